import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, it } from 'vitest';

import type { Outcome } from '../../../../operators/flow/outcome.js';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import type { EmbeddedDraft } from '../../../../operators/quality/embedded-draft.js';
import type { EmbeddedReal } from '../../../../operators/synalign/embedded-real.js';
import { mergedMmd } from '../../../../operators/synalign/mmd/merged-mmd.js';
import { rollingMmd } from '../../../../operators/synalign/mmd/rolling-mmd.js';
import { sampleOf } from '../../../../operators/synalign/sample-of.js';
import type { AnyRecord } from '../../../../schemas/codec.js';
import { memoryAfter, outcomesOf } from '../../flow/operator-contract.js';
import { realRecord, refinedRecord } from '../../flow/records.js';
import { unit } from '../hashing-embedder.js';

const dimensions = 6;
const embedder = { id: 'test/vectors@6', dimensions };
const [window, frequencies, seed] = [12, 32, 5];

type In = AnyRecord | EmbeddedReal;
type Out = AnyRecord | EmbeddedDraft;

/** Real records and samples by turns; `shift` moves the samples. */
function stream(pairs: number, drawn: number, shift: number): readonly In[] {
  const random = randomFrom(drawn);
  const vector = (moved: number) =>
    unit(Float32Array.from({ length: dimensions }, (_, i) => random.gaussian() + (i === 0 ? moved : 0)));
  return Array.from({ length: pairs }, (_, n): readonly In[] => [
    { kind: 'embedded-real', real: realRecord(n), embedding: vector(0) },
    sampleOf(refinedRecord(n + 1), vector(shift)),
  ]).flat();
}

interface Lane {
  readonly memory: ReadonlyMap<string, unknown>;
  readonly inputs: readonly In[];
  readonly corrections: readonly number[];
}

async function laneOf(lane: number, pairs: number, shift = 0.5): Promise<Lane> {
  const inputs = stream(pairs, lane + 1, shift);
  const operator = rollingMmd({ embedder, lane, memory: new Map(), seed, window, frequencies, every: 1 });
  const outcomes = await outcomesOf(operator, from(inputs));
  return { memory: memoryAfter(outcomes), inputs, corrections: outcomes.flatMap(mmd2Of) };
}

function mmd2Of(outcome: Outcome<In | EmbeddedDraft, Out>): readonly number[] {
  if (outcome.kind !== 'emitted') return [];
  return outcome.outputs.flatMap((output) => (output.kind === 'correction' ? [output.mmd2] : []));
}

function embeddingsOf(inputs: readonly In[], kind: 'sample' | 'embedded-real'): readonly Float32Array[] {
  return inputs.flatMap((input) =>
    input.kind === kind && 'embedding' in input && input.embedding instanceof Float32Array ? [input.embedding] : [],
  );
}

/** The definition: means over pairs of features. */
function slowMmd2(x: readonly Float32Array[], y: readonly Float32Array[], bandwidth: number): number {
  const features = randomFeatures({ dimensions, frequencies, bandwidth, seed });
  const mapped = (vectors: readonly Float32Array[]) =>
    vectors.map((vector) => {
      const phi = new Float64Array(2 * frequencies);
      features.map(vector, phi);
      return phi;
    });
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  const mean = (a: readonly Float64Array[], b: readonly Float64Array[], same: boolean) => {
    const terms = a.flatMap((left, i) => b.flatMap((right, j) => (same && i === j ? [] : [dot(left, right)])));
    return terms.reduce((sum, term) => sum + term, 0) / terms.length;
  };
  const [made, measured] = [mapped(x), mapped(y)];
  return mean(made, made, true) + mean(measured, measured, true) - 2 * mean(made, measured, false);
}

describe('mergedMmd', () => {
  it('of one lane is its last correction, to the last bit', async () => {
    const { memory, corrections } = await laneOf(0, 40);
    expect(mergedMmd({ memories: [memory], seed, frequencies })?.mmd2).toBe(corrections.at(-1));
  });

  it('is the definition over all that is in the windows, in any order of lanes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 12, max: 40 }), { minLength: 2, maxLength: 4 }), async (pairs) => {
        const lanes = await Promise.all(pairs.map((count, lane) => laneOf(lane, count, lane / 2)));
        const memories = lanes.map(({ memory }) => memory);
        const merged = mergedMmd({ memories, seed, frequencies });
        const inside = (kind: 'sample' | 'embedded-real') =>
          lanes.flatMap(({ inputs }) => embeddingsOf(inputs, kind).slice(-window));
        const expected = slowMmd2(inside('sample'), inside('embedded-real'), merged?.bandwidth ?? 0);
        expect(Math.abs((merged?.mmd2 ?? Number.NaN) - expected)).toBeLessThan(1e-9);
        expect(merged).toMatchObject({
          embedder: embedder.id,
          synthetic: { size: window * lanes.length },
          real: { size: window * lanes.length, seen: pairs.reduce((sum, count) => sum + count, 0) },
        });
        expect(mergedMmd({ memories: memories.toReversed(), seed, frequencies })).toEqual(merged);
      }),
      { numRuns: 10 },
    );
  });

  it('takes the newest embeddings only, where that is asked for', async () => {
    const { memory, inputs } = await laneOf(3, 31);
    const merged = mergedMmd({ memories: [memory], seed, frequencies, newest: 9 });
    const newest = (kind: 'sample' | 'embedded-real') => embeddingsOf(inputs, kind).slice(-9);
    expect(merged?.synthetic.size).toBe(9);
    const expected = slowMmd2(newest('sample'), newest('embedded-real'), merged?.bandwidth ?? 0);
    expect(Math.abs((merged?.mmd2 ?? Number.NaN) - expected)).toBeLessThan(1e-9);
  });

  it('has the median of the bandwidths, and counts lanes that have none yet', async () => {
    const lanes = await Promise.all([laneOf(0, 30), laneOf(1, 30), laneOf(2, 4)]);
    const bandwidths = lanes.map(({ memory }) => memory.get('bandwidth'));
    expect(bandwidths[2]).toBeUndefined();
    const merged = mergedMmd({ memories: lanes.map(({ memory }) => memory), seed, frequencies });
    expect(merged?.bandwidth).toBeCloseTo((Number(bandwidths[0]) + Number(bandwidths[1])) / 2, 12);
    expect(merged?.synthetic.size).toBe(2 * window + 4);
  });

  it('is not known before there is something to compare', async () => {
    expect(mergedMmd({ memories: [], seed })).toBeUndefined();
    expect(mergedMmd({ memories: [new Map()], seed })).toBeUndefined();
    expect(mergedMmd({ memories: [(await laneOf(0, 4)).memory], seed, frequencies })).toBeUndefined();
  });

  it('refuses lanes of two models', async () => {
    const { memory } = await laneOf(0, 30);
    const other = new Map(memory).set('shape', `other/model ${dimensions} ${window}`);
    expect(() => mergedMmd({ memories: [memory, other], seed, frequencies })).toThrow(/other\/model.*new data folder/);
  });
});
