import fc from 'fast-check';
import { from, map, range } from 'rxjs';
import { describe, expect, test } from 'vitest';

import type { Outcome } from '../../../../operators/flow/outcome.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { type WeighOptions, weigh, weighReport } from '../../../../operators/synalign/align/weigh.js';
import type { EmbeddedReal } from '../../../../operators/synalign/embedded-real.js';
import { type EmbeddedRefined, isEmbedded } from '../../../../operators/synalign/embedded-refined.js';
import { sampled } from '../../../../operators/synalign/sampled.js';
import type { AnyRecord } from '../../../../schemas/codec.js';
import { type AlignStep, alignStep } from '../../../../schemas/steps/synalign.js';
import { memoryAfter, operatorContract, outcomesOf } from '../../flow/operator-contract.js';
import { realRecord, refinedRecord, seedRecord, tickRecord } from '../../flow/records.js';
import { unit } from '../hashing-embedder.js';

type Flowing = AnyRecord | EmbeddedReal;
type Ended = Outcome<Flowing, Flowing>;

const dimensions = 6;
const embedder = { id: 'test/vectors@6', dimensions };
const labelled = { label: { field: 'kind', values: ['ham', 'spam'] } };

function make(
  memory: ReadonlyMap<string, unknown> = new Map(),
  settings: Partial<AlignStep> = {},
  options: Partial<WeighOptions> = {},
) {
  const all = alignStep.parse({ buffer: 48, every: 8, ...settings });
  return weigh({ embedder, domain: {}, memory, seed: 5, settings: all, frequencies: 64, ...options });
}

/** Near the first axis, or near the second. */
function vector(random: ReturnType<typeof randomFrom>, isFirst: boolean): Float32Array {
  const noise = Float32Array.from({ length: dimensions }, () => 0.3 * random.gaussian());
  return unit(noise.map((value, i) => value + (i === (isFirst ? 0 : 1) ? 1 : 0)));
}

/** Real records and texts in turns, of two kinds, of which real records have equal shares and texts 1 in `unfair`. */
function stream(length: number, seed: number, unfair = 5, labels = false): readonly Flowing[] {
  const random = randomFrom(seed);
  const labelOf = () => (random.below(3) === 0 ? 'ham' : 'spam');
  return Array.from({ length }, (_, n): Flowing => {
    const kind = random.below(20);
    if (kind === 0) return n % 2 === 0 ? tickRecord('interval', n) : seedRecord(n);
    if (kind < 10) return real(n, vector(random, random.below(2) === 0), labels ? labelOf() : undefined);
    return text(n, vector(random, random.below(unfair) === 0), labels ? labelOf() : undefined);
  });
}

describe('weigh', () => {
  operatorContract({
    make: (memory) => make(memory),
    inputs: fc.tuple(fc.nat(160), fc.nat()).map(([length, seed]) => stream(length, seed)),
    runs: 20,
  });

  describe('with labels, and texts that are dropped', () => {
    operatorContract({
      make: (memory) => make(memory, { as: 'accept', minEffectiveShare: 0.7 }, { domain: labelled }),
      inputs: fc.tuple(fc.nat(160), fc.nat()).map(([length, seed]) => stream(length, seed, 5, true)),
      runs: 15,
    });
  });

  describe('with labels, and copies', () => {
    operatorContract({
      make: (memory) => make(memory, { as: 'resample' }, { domain: labelled }),
      inputs: fc.tuple(fc.nat(160), fc.nat()).map(([length, seed]) => stream(length, seed, 5, true)),
      runs: 5,
    });
  });

  test('what is rare among texts and common among real records weighs more; the mean is 1', async () => {
    const outcomes = await outcomesOf(make(new Map(), { buffer: 512, every: 64 }), from(stream(5000, 1)));
    const weighed = textsOf(outcomes).slice(500);
    const mean = (of: readonly EmbeddedRefined[]) => of.reduce((sum, { weight }) => sum + (weight ?? 0), 0) / of.length;
    const rare = weighed.filter(({ embedding }) => (embedding[0] ?? 0) > (embedding[1] ?? 0));
    const common = weighed.filter(({ embedding }) => (embedding[0] ?? 0) <= (embedding[1] ?? 0));
    // one in five is to be one in two: 2.5 and 0.625
    expect(Math.abs(mean(weighed) - 1)).toBeLessThan(0.05);
    expect(Math.abs(mean(rare) - 2.5)).toBeLessThan(0.25);
    expect(Math.abs(mean(common) - 0.625)).toBeLessThan(0.08);
    const [report] = weighReport(memoryAfter(outcomes), {});
    expect(report?.solution?.effectiveSampleSize).toBeGreaterThan(0.2 * 512);
    expect(report?.solution?.gap).toBeLessThan(1e-6);
  });

  test('texts like the real records all weigh about 1', async () => {
    const outcomes = await outcomesOf(
      make(new Map(), { buffer: 256, every: 64, regularization: 0.01 }),
      from(stream(3000, 2, 2)),
    );
    const weights = textsOf(outcomes)
      .slice(500)
      .map(({ weight = 0 }) => weight);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
    const spread = Math.sqrt(weights.reduce((sum, weight) => sum + (weight - mean) ** 2, 0) / weights.length);
    expect(Math.abs(mean - 1)).toBeLessThan(0.05);
    expect(spread).toBeLessThan(0.35);
  });

  test('is held against real records of its label, and keeps the labels as they are', async () => {
    const random = randomFrom(3);
    // spam is of the first kind among real records, ham of the second; among texts it is the other way for one in four
    const records = Array.from({ length: 5000 }, (_, n): Flowing => {
      const isSpam = random.below(2) === 0;
      const label = isSpam ? 'spam' : 'ham';
      if (n % 2 === 0) return real(n, vector(random, isSpam), label);
      return text(n, vector(random, random.below(4) === 0 ? !isSpam : isSpam), label);
    });
    const options = { domain: labelled };
    const outcomes = await outcomesOf(make(new Map(), { buffer: 512, every: 64 }, options), from(records));
    const weighed = textsOf(outcomes).slice(400);
    for (const label of ['ham', 'spam']) {
      const own = weighed.filter(({ plan }) => plan.label === label);
      const sum = own.reduce((total, { weight }) => total + (weight ?? 0), 0);
      const wrong = own.filter(({ embedding }) => (embedding[0] ?? 0) > (embedding[1] ?? 0) !== (label === 'spam'));
      expect(Math.abs(sum / own.length - 1)).toBeLessThan(0.06);
      expect(wrong.reduce((total, { weight }) => total + (weight ?? 0), 0) / sum).toBeLessThan(0.06);
    }
    expect(weighReport(memoryAfter(outcomes), labelled).map(({ label, texts }) => [label, texts > 1000])).toEqual([
      ['ham', true],
      ['spam', true],
    ]);
  });

  test('a label that one side lacks weighs 1, and is reported', async () => {
    const counted: string[] = [];
    const meter = { count: (name: string) => void counted.push(name) };
    const random = randomFrom(4);
    const records = Array.from({ length: 300 }, (_, n): Flowing => {
      if (n % 2 === 0) return real(n, vector(random, true), n % 4 === 0 ? 'spam' : 'other');
      return text(n, vector(random, false), n % 4 === 1 ? 'spam' : 'ham');
    });
    const outcomes = await outcomesOf(make(new Map(), {}, { domain: labelled, meter }), from(records));
    const ham = textsOf(outcomes).filter(({ plan }) => plan.label === 'ham');
    expect(ham.map(({ weight }) => weight)).toEqual(new Array(75).fill(1));
    expect(counted.filter((name) => name === 'weigh_without_reference').length).toBeGreaterThanOrEqual(75);
    expect(weighReport(memoryAfter(outcomes), labelled)).toMatchObject([
      { label: 'ham', texts: 75, real: 0, solution: null },
      { label: 'spam', texts: 75, real: 75, solution: { size: expect.any(Number) } },
      { label: 'other', texts: 0, real: 75, solution: null },
    ]);
  });

  test('before there are 8 real records and 16 texts, weights are 1', async () => {
    const random = randomFrom(6);
    const texts = Array.from({ length: 40 }, (_, n) => text(n, vector(random, n % 5 === 0)));
    const reals = Array.from({ length: 8 }, (_, n) => real(100 + n, vector(random, n % 2 === 0)));
    const weights = async (records: readonly Flowing[]) =>
      textsOf(await outcomesOf(make(), from(records))).map(({ weight }) => weight);
    expect(await weights(texts)).toEqual(new Array(40).fill(1));
    expect(await weights([...reals.slice(0, 7), ...texts])).toEqual(new Array(40).fill(1));
    const weighed = await weights([...reals, ...texts]);
    expect(weighed.slice(0, 16)).toEqual(new Array(16).fill(1));
    expect(weighed.slice(16).some((weight) => weight !== 1)).toBe(true);
  });

  test('accept: what real records have less of is kept less often, and then weighs 1', async () => {
    const outcomes = await outcomesOf(make(new Map(), { as: 'accept', buffer: 256, every: 64 }), from(stream(6000, 7)));
    const late = outcomes.filter(({ input }) => isEmbedded(input)).slice(500);
    const kept = (isFirst: boolean) => {
      const own = late.filter(({ input }) => isEmbedded(input) && isOfFirst(input) === isFirst);
      return own.filter(({ kind }) => kind === 'emitted').length / own.length;
    };
    // 2.5 and 0.625 are the weights, and those above the scale are all kept
    expect(kept(false) / kept(true)).toBeGreaterThan(0.2);
    expect(kept(false) / kept(true)).toBeLessThan(0.4);
    expect(kept(true)).toBeGreaterThan(0.7);
    expect(new Set(textsOf(outcomes).map(({ weight }) => weight))).toEqual(new Set([1]));
    const dropped = outcomes.filter(({ kind }) => kind === 'dropped');
    expect(dropped[0]).toMatchObject({
      reason: 'off-distribution',
      detail: expect.stringMatching(/real records is 0\./),
    });
  });

  test('resample: systematic for each label, at any time less than one copy from the weights; 0 is dropped', async () => {
    const records = stream(2000, 7, 5, true);
    const options = { domain: labelled };
    const sizes = { buffer: 256, every: 64 };
    const weighed = textsOf(await outcomesOf(make(new Map(), sizes, options), from(records)));
    const exact = new Map(weighed.map(({ id, weight = 0 }) => [id, weight]));
    const resampled = await outcomesOf(make(new Map(), { as: 'resample', ...sizes }, options), from(records));
    const behind = new Map([
      ['ham', 0],
      ['spam', 0],
    ]);
    for (const outcome of resampled) {
      if (!isEmbedded(outcome.input)) continue;
      const weight = exact.get(outcome.input.id) ?? Number.NaN;
      const [copies = 0] = textsOf([outcome]).map(({ weight: whole }) => whole);
      expect([Math.floor(weight), Math.ceil(weight)]).toContain(copies);
      expect(outcome.kind).toBe(copies === 0 ? 'dropped' : 'emitted');
      const label = outcome.input.plan.label ?? '';
      const difference = (behind.get(label) ?? Number.NaN) + weight - copies;
      expect(Math.abs(difference)).toBeLessThan(1);
      behind.set(label, difference);
    }
    expect(resampled.filter(({ kind }) => kind === 'dropped').length).toBeGreaterThan(50);
    expect(textsOf(resampled).some(({ weight = 0 }) => weight > 1)).toBe(true);
  });

  test('projections match the mean alone', async () => {
    const outcomes = await outcomesOf(
      make(new Map(), { objective: 'projections', buffer: 512, every: 64 }),
      from(stream(4000, 8)),
    );
    const weighed = textsOf(outcomes).slice(500);
    const sums = new Float64Array(dimensions);
    let total = 0;
    for (const { embedding, weight = 0 } of weighed) {
      total += weight;
      for (const [i, value] of embedding.entries()) sums[i] = (sums[i] ?? 0) + weight * value;
    }
    // the two kinds of real records are alike but for their axes
    expect(Math.abs((sums[0] ?? 0) - (sums[1] ?? 0)) / total).toBeLessThan(0.06);
  });

  test.each(['weights', 'resample'] as const)(
    'T34: as %s, a restart at every single point changes no bit',
    async (as) => {
      const records = stream(100, 9);
      const whole = await outcomesOf(make(new Map(), { as }), from(records));
      if (as === 'weights') expect(new Set(textsOf(whole).map(({ weight }) => weight)).size).toBeGreaterThan(20);
      for (let cut = 0; cut <= records.length; cut++) {
        const rest = await outcomesOf(make(memoryAfter(whole.slice(0, cut)), { as }), from(records.slice(cut)));
        expect(rest).toEqual(whole.slice(cut));
      }
    },
  );

  test('everything goes on in order, real records as they are, and samples get the weight', async () => {
    const records = stream(300, 10);
    const outcomes = await outcomesOf(make(), from(records));
    expect(outcomes.map(({ input }) => input)).toEqual(records);
    for (const outcome of outcomes) {
      if (!isEmbedded(outcome.input)) expect(outcome).toMatchObject({ kind: 'emitted', outputs: [outcome.input] });
    }
    const texts = textsOf(outcomes);
    const samples = (await outcomesOf(sampled(), from(texts.map((one): Flowing => one)))).flatMap((outcome) =>
      outcome.kind === 'emitted' ? outcome.outputs : [],
    );
    expect(samples.map((sample) => sample.kind === 'sample' && sample.weight)).toEqual(
      texts.map(({ weight }) => weight),
    );
  });

  test('its memory has a window and a buffer, and nothing more, over 20,000 records', async () => {
    const memory = new Map<string, unknown>();
    const random = randomFrom(11);
    const vectors = Array.from({ length: 64 }, (_, i) => vector(random, i % 3 === 0));
    const vectorAt = (n: number) => vectors[(n * 7919) % 64] ?? new Float32Array(dimensions);
    const templates = { text: text(0, vectorAt(0)), real: real(0, vectorAt(0)) };
    await new Promise<void>((resolve, reject) => {
      range(0, 20_000)
        .pipe(
          map((n): Flowing => {
            const embedding = vectorAt(n);
            const own: EmbeddedRefined = { ...templates.text, embedding };
            return n % 4 === 0 ? own : { ...templates.real, embedding };
          }),
          make(new Map(), { buffer: 16, every: 16 }),
        )
        .subscribe({
          next: ({ changes }) => {
            for (const [key, value] of changes ?? []) {
              if (value === null) memory.delete(key);
              else memory.set(key, value);
            }
          },
          error: reject,
          complete: resolve,
        });
    });
    // the ring of real records and that of texts, two counters, the solution, the mean, the bandwidth and the shape
    expect(memory.size).toBe(2048 + 16 + 6);
  });

  test('embeddings of zeros weigh 1 and leave no trace; bad ones are dead', async () => {
    const records = stream(100, 12);
    const none = [text(900, new Float32Array(dimensions)), real(901, new Float32Array(dimensions))];
    const bad = [
      text(902, new Float32Array(3)),
      text(903, Float32Array.of(0, 0, Number.NaN, 0, 0, 0)),
      real(904, new Float32Array(7)),
      real(906, Float32Array.of(1e38, 1e38, 1e38, 0, 0, 0)),
    ];
    const { embedding: _, ...bare } = text(905, new Float32Array(dimensions));
    const mixed = [...records.slice(0, 50), ...none, ...bad, bare, ...records.slice(50)];
    const outcomes = await outcomesOf(make(), from(mixed));
    expect(textsOf(outcomes.slice(50, 51))).toMatchObject([{ weight: 1 }]);
    expect(outcomes.slice(52, 56)).toMatchObject(bad.map((input) => ({ kind: 'dead', input, code: 'record-invalid' })));
    expect(outcomes[56]).toEqual({ kind: 'emitted', input: bare, outputs: [bare] });
    expect([...outcomes.slice(0, 50), ...outcomes.slice(57)]).toEqual(await outcomesOf(make(), from(records)));
  });

  test('without a ridge, weights are those with the least one', async () => {
    const records = stream(300, 4);
    const weightsOf = async (regularization: number) => {
      const outcomes = await outcomesOf(make(new Map(), { regularization, minEffectiveShare: 0 }), from(records));
      return textsOf(outcomes).map(({ weight }) => weight);
    };
    const weights = await weightsOf(0);
    expect(weights).toEqual(await weightsOf(1e-6));
    expect(new Set(weights.slice(-40)).size).toBeGreaterThan(10);
  });

  test.each([
    [1e6, 2],
    [-1e6, 0.5],
  ])(
    'of weights that were %d too little in all, the next are made up for by a factor of %d and no more',
    async (missing, factor) => {
      const records = stream(200, 4);
      const memory = new Map(memoryAfter(await outcomesOf(make(), from(records.slice(0, 150)))));
      const next = async (owed: number) => {
        const begun = new Map(memory).set('texts/running', { mean: 1, count: 48, missing: owed });
        const [text] = textsOf(await outcomesOf(make(begun), from(records.slice(150))));
        return text?.weight ?? Number.NaN;
      };
      expect((await next(missing)) / (await next(0))).toBeCloseTo(factor, 9);
    },
  );

  test('real records that are all alike, and texts that are, make weights that are numbers', async () => {
    const same = Float32Array.of(1, 0, 0, 0, 0, 0);
    const records = Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? real(n, same) : text(n, same)));
    for (const { weight } of textsOf(await outcomesOf(make(), from(records))))
      expect(Math.abs((weight ?? 0) - 1)).toBeLessThan(0.1);
  });

  test('the memory of another embedder or other sizes is refused, and a damaged one', async () => {
    const memory = memoryAfter(await outcomesOf(make(), from(stream(150, 1))));
    const other = { embedder: { id: 'test/other@6', dimensions } };
    expect(() => make(memory, {}, other)).toThrow(/kept for 'test\/vectors@6 6.*not for 'test\/other@6/);
    expect(() => make(memory, { buffer: 64 })).toThrow(expect.objectContaining({ code: 'data-foreign' }));
    expect(() => make(memory, { objective: 'projections' })).toThrow(expect.objectContaining({ code: 'data-foreign' }));
    for (const [key, value] of [
      ['reference/3', undefined],
      ['texts/3', 'AAAA'],
      ['texts/solution', { witness: 'AAAA' }],
      ['texts/running', 3],
      ['texts/copies', 1],
    ] as const) {
      const damaged = new Map(memory).set(key, value);
      await expect(outcomesOf(make(damaged), from([]))).rejects.toMatchObject({ code: 'record-invalid' });
    }
    expect(() => make(new Map([['bandwidth', 'wide']]))).toThrow('the memory holds the bandwidth "wide"');
    expect(() => make(new Map(), {}, { frequencies: 0 })).toThrow('frequencies: expected an integer from 1, got 0');
  });
});

function text(n: number, embedding: Float32Array, label?: string): EmbeddedRefined {
  return { ...refinedRecord(n, label === undefined ? {} : { label }), embedding };
}

function real(n: number, embedding: Float32Array, label?: string): EmbeddedReal {
  const record = realRecord(n);
  return { kind: 'embedded-real', real: label === undefined ? record : { ...record, label }, embedding };
}

function textsOf(outcomes: readonly Ended[]): readonly EmbeddedRefined[] {
  return outcomes.flatMap((outcome) =>
    outcome.kind === 'emitted' ? outcome.outputs.flatMap((output) => (isEmbedded(output) ? [output] : [])) : [],
  );
}

function isOfFirst({ embedding }: EmbeddedRefined): boolean {
  return (embedding[0] ?? 0) > (embedding[1] ?? 0);
}
