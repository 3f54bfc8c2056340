import fc from 'fast-check';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { from, map, range } from 'rxjs';
import { describe, expect, test } from 'vitest';

import type { Outcome } from '../../../operators/flow/outcome.js';
import { randomFrom } from '../../../operators/kernels/random.js';
import { editDistance } from '../../../operators/quality/edit-distance.js';
import type { EmbeddedDraft } from '../../../operators/quality/embedded-draft.js';
import { type MeasureOptions, measure } from '../../../operators/quality/measure.js';
import { wordsOf } from '../../../operators/quality/words.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import { type Quality, qualitySchema } from '../../../schemas/quality.js';
import type { Sample } from '../../../schemas/sample.js';
import { sampleAt } from '../../streams/shards/samples.js';
import { memoryAfter, operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { seedRecord, tickRecord } from '../flow/records.js';

type In = AnyRecord | EmbeddedDraft;

const dimensions = 6;
const embedder = { id: 'test/vectors@6', dimensions };
const window = 16;

function make(memory: ReadonlyMap<string, unknown> = new Map(), options: Partial<MeasureOptions> = {}) {
  return measure({ embedder, lane: 0, memory, seed: 5, window, every: 5, halfLife: 8, ...options });
}

describe('measure', () => {
  operatorContract({
    make: (memory) => make(memory),
    inputs: fc.tuple(fc.nat(90), fc.nat()).map(([length, seed]) => withoutDrafts(stream(length, seed))),
    runs: 40,
  });

  test('its figures are those of the definitions on the same samples', async () => {
    const records = stream(300, 1);
    const outcomes = await outcomesOf(make(), from(records));
    const samples: Sample[] = [];
    const drafts = new Map<string, EmbeddedDraft>();
    const nearest: (number | null)[] = [];
    let measured = 0;
    for (const outcome of outcomes) {
      const { input } = outcome;
      if (input.kind === 'embedded-draft') drafts.set(input.id, input);
      if (input.kind !== 'sample') continue;
      const before = samples.slice(-window).filter(hasDirection);
      nearest.push(
        hasDirection(input) && before.length > 0 ? Math.max(...before.map((each) => cosine(each, input))) : null,
      );
      samples.push(input);
      const quality = qualityOf(outcome);
      expect(quality !== undefined).toBe(samples.length % 5 === 0);
      if (quality === undefined) continue;
      measured++;
      const recent = samples.slice(-window);
      const vectors = recent.filter(hasDirection);
      expect(qualitySchema.parse(quality)).toMatchObject({
        lane: 0,
        accepted: samples.length,
        embedder: embedder.id,
        window: { size: recent.length, firstOrdinal: recent[0]?.ordinal, lastOrdinal: input.ordinal },
        zeros: samples.filter((each) => !hasDirection(each)).length,
        at: input.createdAt,
      });
      expect(quality.meanCosine.window.mean).toBeCloseTo(meanCosine(vectors), 8);
      expect(quality.meanCosine.total.mean).toBeCloseTo(meanCosine(samples.filter(hasDirection)), 8);
      expect(quality.meanCosine.decayed.mean).toBeCloseTo(decayedMean(samples.filter(hasDirection), 8), 8);
      const known = nearest.slice(-window).flatMap((each) => each ?? []);
      expect(quality.nearest.mean).toBeCloseTo(known.reduce((sum, each) => sum + each, 0) / known.length, 6);
      expect(quality.nearest.max).toBeCloseTo(Math.max(...known), 6);
      expect(quality.participationRatio).toBeCloseTo(participationOf(vectors), 6);
      if (quality.vendi.accepted === samples.length) expect(quality.vendi.score).toBeCloseTo(vendiOf(vectors), 5);
      expect([quality.distinct1, quality.distinct2]).toEqual([distinct(recent, 1), distinct(recent, 2)]);
      const labels = recent.flatMap(({ label }) => label ?? []);
      const once = labels.filter((label) => labels.filter((other) => other === label).length === 1).length;
      expect(quality.labels).toEqual({
        seen: new Set(labels).size,
        singletons: once,
        unseenMass: once / labels.length,
      });
      checkRefinement(quality, vectors, drafts);
    }
    expect(measured).toBeGreaterThan(15);
  });

  test('computes the Vendi score when the window has doubled, then once a window', async () => {
    const outcomes = await outcomesOf(make(), from(Array.from({ length: 80 }, (_, n) => sample(n, n))));
    const at = new Set(outcomes.flatMap((outcome) => qualityOf(outcome)?.vendi.accepted ?? []));
    expect([...at]).toEqual([5, 10, 20, 40, 60, 80]);
  });

  test('measures early too, where the interval is long', async () => {
    const options = { every: 50, window: 64 };
    const outcomes = await outcomesOf(
      make(new Map(), options),
      from(Array.from({ length: 100 }, (_, n) => sample(n, n))),
    );
    expect(outcomes.flatMap((outcome) => qualityOf(outcome)?.accepted ?? [])).toEqual([8, 16, 32, 50, 100]);
  });

  test('a restart at every single point changes no bit', async () => {
    const records = stream(120, 4);
    const whole = await outcomesOf(make(), from(records));
    for (let cut = 0; cut <= records.length; cut++) {
      // a draft and its sample come of one record, and so are committed together
      if (records[cut - 1]?.kind === 'embedded-draft') continue;
      const rest = await outcomesOf(make(memoryAfter(whole.slice(0, cut))), from(records.slice(cut)));
      expect(rest).toEqual(whole.slice(cut));
    }
  });

  test('its memory is the window and four more keys, over 30,000 records', async () => {
    const memory = new Map<string, unknown>();
    const samples = Array.from({ length: 97 }, (_, n) => sample(n, n));
    await new Promise<void>((resolve, reject) => {
      range(0, 30_000)
        .pipe(
          map((n): In => ({ ...(samples[n % 97] ?? sample(0, 0)), ordinal: n })),
          make(new Map(), { every: 16 }),
        )
        .subscribe({
          next: ({ changes = [] }) => {
            for (const [key, value] of changes) memory.set(key, value);
          },
          error: reject,
          complete: resolve,
        });
    });
    // the slots; seen, shape, sums and vendi
    expect(memory.size).toBe(window + 4);
  });

  test('the sample goes out before its figures; drafts are absorbed, all else goes on', async () => {
    for (const outcome of await outcomesOf(make(), from(stream(100, 2)))) {
      const { input } = outcome;
      if (input.kind === 'embedded-draft') expect(outcome.kind).toBe('absorbed');
      else expect(outcome.kind === 'emitted' && outcome.outputs[0]).toBe(input);
    }
  });

  test('an embedding of another size, or with a number that is none, is dead; one without is passed on', async () => {
    const { embedding: _, ...bare } = sample(3, 3);
    const short = { ...sample(1, 1), embedding: new Float32Array(2) };
    const odd = { ...sample(2, 2), embedding: new Float32Array(dimensions).fill(Number.NaN) };
    const outcomes = await outcomesOf(make(), from([short, odd, bare]));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['dead', 'dead', 'emitted']);
    expect(outcomes[0]).toMatchObject({ code: 'record-invalid', message: expect.stringContaining(short.id) });
  });

  test('another embedder, a damaged memory and odd options are refused', async () => {
    const memory = memoryAfter(await outcomesOf(make(), from(stream(60, 3))));
    const other = { embedder: { id: 'test/other@6', dimensions } };
    expect(() => make(memory, other)).toThrow('put the recipe back');
    expect(() => make(memory, { halfLife: 9 })).toThrow('put the recipe back');
    const damaged = (key: string, value: unknown) => outcomesOf(make(new Map([...memory, [key, value]])), from([]));
    await expect(damaged('slot/2', { ordinal: 1 })).rejects.toThrow("lacks the measured sample 'slot/2'");
    await expect(damaged('sums', 4)).rejects.toThrow('sums of diversity that cannot be read');
    await expect(damaged('vendi', 'many')).rejects.toThrow('the Vendi score "many"');
    expect(() => make(new Map(), { every: 17 })).toThrow('every: expected at most the window of 16, got 17');
    expect(() => make(new Map(), { window: 0, every: 0 })).toThrow('expected an integer from 1');
  });

  test('copies show in the nearest neighbour and the Vendi score, where the mean cosine hides them', async () => {
    const last = async (vectorOf: (n: number) => number) => {
      const samples = Array.from({ length: 64 }, (_, n) => sample(n, vectorOf(n)));
      const outcomes = await outcomesOf(make(new Map(), { window: 64, every: 64 }), from(samples));
      return outcomes.flatMap((outcome) => qualityOf(outcome) ?? []).at(-1);
    };
    const [spread, copied] = [await last((n) => n), await last((n) => n % 16)];
    expect(Math.abs((copied?.meanCosine.window.mean ?? 1) - (spread?.meanCosine.window.mean ?? 0))).toBeLessThan(0.1);
    expect(copied?.nearest.max).toBeCloseTo(1, 6);
    expect(copied?.nearest.mean).toBeGreaterThan(spread?.nearest.mean ?? 1);
    expect(copied?.vendi.score).toBeLessThan(spread?.vendi.score ?? 0);
  });
});

function checkRefinement(
  quality: Quality,
  samples: readonly Sample[],
  drafts: ReadonlyMap<string, EmbeddedDraft>,
): void {
  const pairs = samples.flatMap((after) => {
    const before = drafts.get(after.id);
    return before === undefined ? [] : [{ before, after }];
  });
  const { refinement } = quality;
  expect(refinement?.pairs ?? 0).toBe(pairs.length);
  if (refinement === null) return;
  const edits = pairs.map(({ before }) => editDistance(textOf(before.draft), textOf(before.refined)));
  expect(refinement.editDistance).toBeCloseTo(edits.reduce((sum, edit) => sum + edit, 0) / edits.length, 10);
  expect(refinement.unchanged).toBeCloseTo(edits.filter((edit) => edit === 0).length / edits.length, 10);
  const [drafted, refined] = [pairs.map(({ before }) => before), pairs.map(({ after }) => after)];
  expect(refinement.drafts).toBeCloseTo(meanCosine(drafted), 8);
  expect(refinement.refined).toBeCloseTo(meanCosine(refined), 8);
  expect(refinement.difference).toBeCloseTo(meanCosine(refined) - meanCosine(drafted), 8);
  const between = pairs.map(({ before, after }) => cosine(before, after));
  expect(refinement.cosine).toBeCloseTo(between.reduce((sum, each) => sum + each, 0) / between.length, 6);
}

/** Samples, most with a draft before them that was changed or not, some texts without tokens, and other records. */
function stream(length: number, seed: number): readonly In[] {
  const random = randomFrom(seed);
  return Array.from({ length }, (_, n): readonly In[] => {
    const kind = random.below(10);
    if (kind === 0) return [n % 2 === 0 ? tickRecord('interval', n) : seedRecord(n)];
    const accepted = sample(n, kind === 1 ? -1 : random.below(1000));
    if (kind < 4) return [accepted];
    return [kind < 7 ? draftOf(accepted) : draftOf(accepted, random.below(1000)), accepted];
  }).flat();
}

/** A draft and its sample come of one record, and so are never committed apart. */
function withoutDrafts(records: readonly In[]): readonly In[] {
  return records.filter(({ kind }) => kind !== 'embedded-draft');
}

/** Of a negative `vector`, a text without tokens. */
function sample(ordinal: number, vector: number): Sample {
  return sampleAt(ordinal, { embedding: unit(vector) });
}

/** The draft itself, or another text that became the sample. */
function draftOf({ id, fields, embedding }: Sample, vector?: number): EmbeddedDraft {
  const draft = vector === undefined ? fields : { question: `What about ${vector}?`, answer: fields['answer'] ?? '' };
  const own = vector === undefined ? embedding : unit(vector);
  return { kind: 'embedded-draft', id, draft, refined: fields, embedding: own ?? unit(-1) };
}

function unit(seed: number) {
  if (seed < 0) return new Float32Array(dimensions);
  const random = randomFrom(seed);
  const vector = Float64Array.from({ length: dimensions }, () => random.gaussian());
  const norm = Math.hypot(...vector);
  return Float32Array.from(vector, (x) => x / norm);
}

function qualityOf(outcome: Outcome<In, AnyRecord>): Quality | undefined {
  const [, quality] = outcome.kind === 'emitted' ? outcome.outputs : [];
  return quality?.kind === 'quality' ? quality : undefined;
}

interface Embedded {
  readonly embedding?: Float32Array | undefined;
}

function hasDirection({ embedding }: Embedded): boolean {
  return embedding?.some((x) => x !== 0) ?? false;
}

function cosine({ embedding: a }: Embedded, { embedding: b }: Embedded): number {
  return (a ?? new Float32Array()).reduce((sum, x, i) => sum + x * (b?.[i] ?? 0), 0);
}

function meanCosine(samples: readonly Embedded[]): number {
  const cosines = samples.flatMap((a, i) => samples.slice(i + 1).map((b) => cosine(a, b)));
  return cosines.length === 0 ? 0 : cosines.reduce((sum, each) => sum + each, 0) / cosines.length;
}

function decayedMean(samples: readonly Embedded[], halfLife: number): number {
  let [total, weights] = [0, 0];
  for (const [i, a] of samples.entries()) {
    for (const [j, b] of samples.entries()) {
      if (i === j) continue;
      const weight = 2 ** (-(2 * (samples.length - 1) - i - j) / halfLife);
      total += weight * cosine(a, b);
      weights += weight;
    }
  }
  return weights === 0 ? 0 : total / weights;
}

function matrixOf(samples: readonly Embedded[]): Matrix {
  return new Matrix(samples.map(({ embedding }) => [...(embedding ?? [])]));
}

function participationOf(samples: readonly Embedded[]): number {
  const Z = matrixOf(samples);
  const centred = Z.clone().subRowVector(Z.mean('column'));
  const C = centred.transpose().mmul(centred).div(samples.length);
  return C.trace() ** 2 / C.mmul(C).trace();
}

function vendiOf(samples: readonly Embedded[]): number {
  const Z = matrixOf(samples);
  const { realEigenvalues } = new EigenvalueDecomposition(Z.mmul(Z.transpose()).div(samples.length));
  return Math.exp(-realEigenvalues.reduce((sum, value) => (value > 1e-15 ? sum + value * Math.log(value) : sum), 0));
}

function distinct(samples: readonly Sample[], size: number): number {
  const runs = samples.flatMap(({ fields }) => {
    const words = wordsOf(Object.values(fields).join('\n'));
    return words.slice(0, Math.max(0, words.length - size + 1)).map((_, i) => words.slice(i, i + size).join(' '));
  });
  return new Set(runs).size / runs.length;
}

function textOf(fields: Readonly<Record<string, string>>): string {
  return Object.values(fields).join('\n');
}
