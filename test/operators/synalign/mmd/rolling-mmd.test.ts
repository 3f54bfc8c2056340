import fc from 'fast-check';
import { from, map, range } from 'rxjs';
import { describe, expect, test } from 'vitest';

import type { Outcome } from '../../../../operators/flow/outcome.js';
import { medianHeuristic } from '../../../../operators/kernels/mmd/median-heuristic.js';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import type { EmbeddedDraft } from '../../../../operators/quality/embedded-draft.js';
import type { EmbeddedReal } from '../../../../operators/synalign/embedded-real.js';
import { type RollingMmdOptions, rollingMmd } from '../../../../operators/synalign/mmd/rolling-mmd.js';
import { sampleOf } from '../../../../operators/synalign/sample-of.js';
import type { AnyRecord } from '../../../../schemas/codec.js';
import { type Correction, correctionSchema } from '../../../../schemas/correction.js';
import type { Sample } from '../../../../schemas/sample.js';
import { memoryAfter, operatorContract, outcomesOf } from '../../flow/operator-contract.js';
import { realRecord, refinedRecord, seedRecord, tickRecord } from '../../flow/records.js';
import { unit } from '../hashing-embedder.js';

type In = AnyRecord | EmbeddedReal;
type Out = AnyRecord | EmbeddedDraft;

const dimensions = 6;
const embedder = { id: 'test/vectors@6', dimensions };

function make(memory: ReadonlyMap<string, unknown> = new Map(), options: Partial<RollingMmdOptions> = {}) {
  return rollingMmd({ embedder, lane: 0, memory, seed: 5, window: 10, frequencies: 16, every: 3, ...options });
}

/** A stream in which real records and samples take turns at random; the samples lie elsewhere by `shift`. */
function stream(length: number, seed: number, shift = 0.5): readonly In[] {
  const random = randomFrom(seed);
  let ordinal = 0;
  return Array.from({ length }, (_, n) => {
    const vector = Float32Array.from({ length: dimensions }, () => random.gaussian());
    const kind = random.below(9);
    if (kind === 0) return n % 2 === 0 ? tickRecord('interval', n) : seedRecord(n);
    if (kind < 5) return real(n, unit(vector));
    ordinal += 1 + random.below(2);
    return sample(ordinal, unit(vector.map((value, i) => (i === 0 ? value + 3 * shift : value))));
  });
}

describe('rollingMmd', () => {
  operatorContract({
    make: (memory) => make(memory),
    inputs: fc.tuple(fc.nat(120), fc.nat()).map(([length, seed]) => stream(length, seed)),
  });

  test('a correction is the batch computation on the same windows', async () => {
    const records = stream(400, 1);
    const outcomes = await outcomesOf(make(), from(records));
    const window = 10;
    const reals: Float32Array[] = [];
    const samples: Sample[] = [];
    let compared = 0;
    for (const outcome of outcomes) {
      const { input } = outcome;
      if (input.kind === 'embedded-real') reals.push(input.embedding);
      if (input.kind !== 'sample') continue;
      samples.push(input);
      const correction = correctionOf(outcome);
      expect(correction !== undefined).toBe(samples.length % 3 === 0 && samples.length >= 8 && reals.length >= window);
      if (correction === undefined) continue;
      compared++;
      const recent = samples.slice(-window);
      const bandwidth = medianHeuristic(stack(reals.slice(0, window)));
      const expected = batchMmd2(
        recent.map(({ embedding }) => embedding ?? new Float32Array(0)),
        reals.slice(-window),
        bandwidth,
      );
      expect(Math.abs(correction.mmd2 - expected)).toBeLessThan(1e-10);
      expect(correctionSchema.parse(correction)).toMatchObject({
        lane: 0,
        accepted: samples.length,
        bandwidth,
        frequencies: 16,
        embedder: embedder.id,
        synthetic: { size: recent.length, firstOrdinal: recent[0]?.ordinal, lastOrdinal: input.ordinal },
        real: { size: window, seen: reals.length },
        at: input.createdAt,
      });
    }
    expect(compared).toBeGreaterThan(40);
  });

  test('the sample goes out before its correction; real records are absorbed, all else goes on', async () => {
    for (const outcome of await outcomesOf(make(), from(stream(200, 2)))) {
      const { input } = outcome;
      if (input.kind === 'embedded-real') expect(outcome.kind).toBe('absorbed');
      else expect(outcome.kind === 'emitted' && outcome.outputs[0]).toBe(input);
    }
  });

  test('tells a shifted stream from a matching one', async () => {
    const last = async (shift: number) => {
      const options = { window: 300, frequencies: 256, every: 50 };
      const outcomes = await outcomesOf(make(new Map(), options), from(stream(1500, 3, shift)));
      return outcomes.map(correctionOf).findLast((correction) => correction !== undefined)?.mmd2 ?? Number.NaN;
    };
    expect(Math.abs(await last(0))).toBeLessThan(0.01);
    expect(await last(0.5)).toBeGreaterThan(0.05);
  });

  test('T34: a restart at every single point changes no bit', async () => {
    const records = stream(90, 4);
    const whole = await outcomesOf(make(), from(records));
    for (let cut = 0; cut <= records.length; cut++) {
      const rest = await outcomesOf(make(memoryAfter(whole.slice(0, cut))), from(records.slice(cut)));
      expect(rest).toEqual(whole.slice(cut));
    }
  });

  test('T35: its memory has two windows and nothing more, over 100,000 records', async () => {
    const memory = new Map<string, unknown>();
    let corrections = 0;
    const vectors = stream(500, 6).flatMap((input) => (input.kind === 'embedded-real' ? [input.embedding] : []));
    const vectorAt = (n: number) => vectors[(n * 7919) % vectors.length] ?? new Float32Array(dimensions);
    const template = sample(0, vectorAt(0));
    const realTemplate = real(0, vectorAt(0));
    await new Promise<void>((resolve, reject) => {
      range(0, 100_000)
        .pipe(
          map(
            (n): In =>
              n % 2 === 0
                ? { ...realTemplate, embedding: vectorAt(n) }
                : { ...template, ordinal: n, embedding: new Float32Array(vectorAt(n + 3)) },
          ),
          make(new Map(), { every: 10 }),
        )
        .subscribe({
          next: (outcome) => {
            for (const [key, value] of outcome.changes ?? []) memory.set(key, value);
            const correction = correctionOf(outcome);
            if (correction === undefined) return;
            corrections++;
            if (!Number.isFinite(correction.mmd2)) reject(new Error(`mmd2 is ${correction.mmd2}`));
          },
          error: reject,
          complete: resolve,
        });
    });
    // two rings, the ordinals of one, notes on the other, two counters, the bandwidth, the shape, the regions, and a test with its witness
    expect(memory.size).toBe(4 * 10 + 7);
    expect(corrections).toBeGreaterThan(4990);
  });

  test('the bandwidth comes from the first real records, and is fixed', async () => {
    const outcomes = await outcomesOf(make(), from(stream(300, 8)));
    const fixed = outcomes.flatMap(({ changes }) => changes ?? []).filter(([key]) => key === 'bandwidth');
    const first = outcomes
      .flatMap(({ input }) => (input.kind === 'embedded-real' ? [input.embedding] : []))
      .slice(0, 10);
    expect(fixed).toEqual([['bandwidth', medianHeuristic(stack(first))]]);
  });

  test('real records that are all alike make no correction that is not a number', async () => {
    const alike = Array.from({ length: 20 }, (_, n) => real(n, Float32Array.of(0, 1, 0, 0, 0, 0)));
    const samples = Array.from({ length: 12 }, (_, n) => sample(n, Float32Array.of(n % 2, (n + 1) % 2, 0, 0, 0, 0)));
    const corrections = (await outcomesOf(make(), from([...alike, ...samples]))).flatMap((o) => correctionOf(o) ?? []);
    expect(corrections.length).toBe(2);
    for (const { mmd2, bandwidth } of corrections) {
      expect(Number.isFinite(mmd2)).toBe(true);
      expect(bandwidth).toBe(1);
    }
  });

  test('an embedding of the wrong size or value is dead, and leaves no trace', async () => {
    const records = stream(100, 9);
    const bad = [
      sample(900, new Float32Array(3)),
      sample(901, Float32Array.of(0, 0, Number.NaN, 0, 0, 0)),
      real(902, new Float32Array(7)),
      // finite, but its features are not
      real(903, Float32Array.of(1e38, 1e38, 1e38, 0, 0, 0)),
      sample(904, Float32Array.of(1.02, 0, 0, 0, 0, 0)),
    ];
    const mixed = [...records.slice(0, 50), ...bad, ...records.slice(50)];
    const outcomes = await outcomesOf(make(), from(mixed));
    expect(outcomes.slice(50, 55)).toMatchObject(bad.map((input) => ({ kind: 'dead', input, code: 'record-invalid' })));
    const clean = await outcomesOf(make(), from(records));
    expect(outcomes.filter(({ kind }) => kind !== 'dead')).toEqual(clean);
  });

  test('texts without a token, whose embedding is zero, go on and are not counted', async () => {
    const records = stream(100, 9);
    const none = [sample(900, new Float32Array(dimensions)), real(901, new Float32Array(dimensions))];
    const outcomes = await outcomesOf(make(), from([...records.slice(0, 50), ...none, ...records.slice(50)]));
    expect(outcomes.slice(50, 52)).toEqual([
      { kind: 'emitted', input: none[0], outputs: [none[0]] },
      { kind: 'absorbed', input: none[1] },
    ]);
    expect([...outcomes.slice(0, 50), ...outcomes.slice(52)]).toEqual(await outcomesOf(make(), from(records)));
  });

  test('a sample without an embedding goes on, and is not counted', async () => {
    const { embedding: _, ...bare } = sample(0, new Float32Array(dimensions));
    expect(await outcomesOf(make(), from([bare]))).toEqual([{ kind: 'emitted', input: bare, outputs: [bare] }]);
  });

  test('the memory of another embedder or window is refused', async () => {
    const memory = memoryAfter(await outcomesOf(make(), from(stream(20, 1))));
    const foreign = { embedder: { id: 'test/other@6', dimensions } };
    expect(() => make(memory, foreign)).toThrow(/kept for 'test\/vectors@6 6 10'.*not for 'test\/other@6 6 10'/);
    expect(() => make(memory, { window: 11 })).toThrow(expect.objectContaining({ code: 'data-foreign' }));
  });

  test('a damaged memory errors the stream', async () => {
    const memory = memoryAfter(await outcomesOf(make(), from(stream(60, 1))));
    for (const [key, value] of [
      ['real/3', undefined],
      ['real/3', 'AAAA'],
      ['synthetic/seen', -1],
    ] as const) {
      const damaged = new Map(memory).set(key, value);
      await expect(outcomesOf(make(damaged), from([]))).rejects.toMatchObject({ code: 'record-invalid' });
    }
    expect(() => make(new Map([['bandwidth', 'wide']]))).toThrow('the memory holds the bandwidth "wide"');
  });

  test('wrong sizes are refused', () => {
    expect(() => make(new Map(), { window: 1 })).toThrow('window: expected an integer from 2, got 1');
    expect(() => make(new Map(), { every: 0 })).toThrow('every: expected an integer from 1, got 0');
    expect(() => make(new Map(), { window: 2 ** 20 })).toThrow('window: expected at most 131072');
    expect(() => make(new Map(), { alpha: 1 })).toThrow('alpha: expected a number between 0 and 1, got 1');
    const drift = { expectedRunTime: 100, window: 5, reference: 50 };
    const refusals = [
      [{ window: 1 }, 'drift.window: expected an integer from 2, got 1'],
      [{ window: 11 }, 'drift.window: expected at most 10, got 11'],
      [{ window: Number.NaN }, 'drift.window: expected at most 10, got NaN'],
      [{ expectedRunTime: 4 }, 'drift.expectedRunTime: expected a number from the window, 5, got 4'],
      [{ reference: 19 }, 'drift.reference: expected at least 4 windows, 20 items, got 19'],
    ] as const;
    for (const [change, message] of refusals) {
      expect(() => make(new Map(), { drift: { ...drift, ...change } })).toThrow(message);
    }
    const large = { expectedRunTime: 1e4, window: 513, reference: 3000 };
    expect(() => make(new Map(), { window: 1000, drift: large })).toThrow(
      'drift.window: expected at most 512, got 513',
    );
    expect(() => make(new Map(), { window: 1000, drift: { ...large, window: 512 } })).not.toThrow();
  });
});

function sample(ordinal: number, embedding: Float32Array): Sample {
  return sampleOf(refinedRecord(ordinal), embedding);
}

function real(n: number, embedding: Float32Array): EmbeddedReal {
  return { kind: 'embedded-real', real: realRecord(n), embedding };
}

function correctionOf(outcome: Outcome<In | EmbeddedDraft, Out>): Correction | undefined {
  const output = outcome.kind === 'emitted' ? outcome.outputs[1] : undefined;
  return output?.kind === 'correction' ? output : undefined;
}

/** The unbiased double sum over the features of two windows. */
function batchMmd2(x: readonly Float32Array[], y: readonly Float32Array[], bandwidth: number): number {
  const features = randomFeatures({ dimensions, frequencies: 16, bandwidth, seed: 5 });
  const phi = (vector: Float32Array) => {
    const mapped = new Float64Array(32);
    features.map(vector, mapped);
    return mapped;
  };
  const [left, right] = [x.map(phi), y.map(phi)];
  const k = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);
  const total = (a: readonly Float64Array[], b: readonly Float64Array[]) =>
    a.reduce((sum, p) => sum + b.reduce((row, q) => row + (p === q ? 0 : k(p, q)), 0), 0);
  const [n, m] = [left.length, right.length];
  return total(left, left) / (n * (n - 1)) + total(right, right) / (m * (m - 1)) - (2 * total(left, right)) / (n * m);
}
