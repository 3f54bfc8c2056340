import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { medianHeuristic } from '../../../../operators/kernels/mmd/median-heuristic.js';
import { stack } from '../../../../operators/kernels/points.js';
import type { EmbeddedReal } from '../../../../operators/synalign/embedded-real.js';
import { rollingMmd } from '../../../../operators/synalign/mmd/rolling-mmd.js';
import type { Correction } from '../../../../schemas/correction.js';
import type { Sample } from '../../../../schemas/sample.js';
import { memoryAfter, operatorContract, outcomesOf } from '../../flow/operator-contract.js';
import { embedder, realAt, sampleAt, vectors } from '../drift-stream.js';

type In = EmbeddedReal | Sample;

function make(memory: ReadonlyMap<string, unknown> = new Map(), window = 96) {
  return rollingMmd({ embedder, lane: 0, memory, seed: 5, window, frequencies: 16, every: 4 });
}

const draw = vectors(1);
const reals = Array.from({ length: 400 }, (_, n) => realAt(n, draw()));
const samples = Array.from({ length: 400 }, (_, n) => sampleAt(n, draw()));

/** So many real records, then so many samples, and so on by turns. */
function turns(...counts: readonly number[]): readonly In[] {
  const sources: readonly (readonly In[])[] = [reals, samples];
  const taken = [0, 0];
  return counts.flatMap((count, turn) => {
    const side = turn % 2;
    const from = taken[side] ?? 0;
    taken[side] = from + count;
    return sources[side]?.slice(from, from + count) ?? [];
  });
}

async function run(records: readonly In[], window?: number) {
  const outcomes = await outcomesOf(make(new Map(), window), from(records));
  const corrections = outcomes.flatMap((outcome) =>
    outcome.kind === 'emitted'
      ? outcome.outputs.filter((output): output is Correction => output.kind === 'correction')
      : [],
  );
  const written = outcomes.flatMap(({ changes = [] }) => changes);
  return { outcomes, corrections, written, memory: memoryAfter(outcomes) };
}

describe('a real stream of few records', () => {
  operatorContract({
    make: (memory) => make(memory),
    inputs: fc
      .tuple(fc.integer({ min: 25, max: 60 }), fc.nat(50), fc.nat(50), fc.nat(40))
      .map((counts) => turns(...counts)),
    runs: 40,
  });

  test('after 32 samples without a real record the bandwidth is that of the first half, for ever', async () => {
    const { corrections, written } = await run(turns(80, 60, 40, 20));
    const bandwidth = medianHeuristic(stack(reals.slice(0, 40).map(({ embedding }) => embedding)));
    expect(written.filter(([key]) => key === 'bandwidth')).toEqual([['bandwidth', bandwidth]]);
    expect(corrections[0]).toMatchObject({ accepted: 32, bandwidth, real: { size: 80, seen: 80 } });
    expect(corrections.map(({ accepted }) => accepted)).toEqual(Array.from({ length: 13 }, (_, n) => 32 + 4 * n));
    expect(new Set(corrections.map((correction) => correction.bandwidth))).toEqual(new Set([bandwidth]));
    expect(corrections[0]?.regions?.length).toBeGreaterThan(0);
  });

  test('the test of equality has pairs from the real records that the bandwidth is not of', async () => {
    const { corrections } = await run(turns(80, 100));
    // 40 are left, for samples that come behind the 32 that were waited for
    expect(corrections.map(({ equality }) => equality?.pairs).slice(0, 3)).toEqual([0, 4, 8]);
    expect(corrections.at(-1)?.equality?.pairs).toBe(40);
    const least = await run(turns(33, 40));
    expect(least.corrections.at(-1)?.equality?.pairs).toBe(1);
  });

  test('a real record between the samples begins the wait anew', async () => {
    const { corrections } = await run(turns(40, 31, 1, 31, 1, 40));
    expect(corrections[0]).toMatchObject({ accepted: 31 + 31 + 34, real: { seen: 42 } });
    // of 96 real records, a window, nothing is waited for
    const enough = await run(turns(40, 31, 56, 8));
    expect(enough.corrections[0]).toMatchObject({ accepted: 32, real: { seen: 96 } });
    expect(enough.memory.has('quiet')).toBe(false);
  });

  test('31 real records are too few, and nothing is counted for them', async () => {
    const { corrections, memory, written } = await run(turns(31, 200));
    expect(corrections).toEqual([]);
    expect(memory.has('bandwidth')).toBe(false);
    expect(written.some(([key]) => key === 'quiet')).toBe(false);
  });

  test('what was counted is forgotten with the bandwidth', async () => {
    const { memory, written } = await run(turns(40, 50));
    expect(memory.has('quiet')).toBe(false);
    expect(written.filter(([key]) => key === 'quiet')).toHaveLength(32);
  });

  test('T34: a restart at every single point changes no bit', async () => {
    const records = turns(36, 10, 2, 38, 3, 10);
    const { outcomes } = await run(records);
    for (let cut = 0; cut <= records.length; cut++) {
      const rest = await outcomesOf(make(memoryAfter(outcomes.slice(0, cut))), from(records.slice(cut)));
      expect(rest).toEqual(outcomes.slice(cut));
    }
  });
});
