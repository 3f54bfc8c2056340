import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import type { EmbeddedReal } from '../../../../operators/synalign/embedded-real.js';
import { EmbeddingWindow } from '../../../../operators/synalign/mmd/embedding-window.js';
import { EqualityWatch } from '../../../../operators/synalign/mmd/equality-watch.js';
import { rollingMmd } from '../../../../operators/synalign/mmd/rolling-mmd.js';
import type { Correction } from '../../../../schemas/correction.js';
import { recordId } from '../../../../schemas/ids.js';
import type { Plan } from '../../../../schemas/plan.js';
import type { Sample } from '../../../../schemas/sample.js';
import { outcomesOf } from '../../flow/operator-contract.js';
import { embedder, realAt, sampleAt, vectors } from '../drift-stream.js';

async function equalityOf(records: readonly (EmbeddedReal | Sample)[], alpha = 0.05, every = 1) {
  const operator = rollingMmd({
    embedder,
    lane: 0,
    memory: new Map(),
    seed: 5,
    window: 16,
    frequencies: 16,
    every,
    alpha,
  });
  const outcomes = await outcomesOf(operator, from(records));
  const corrections = outcomes.flatMap((outcome) => {
    if (outcome.kind !== 'emitted') return [];
    return outcome.outputs.filter((output): output is Correction => output.kind === 'correction');
  });
  return corrections.flatMap(({ equality }) => equality ?? []);
}

function paired(pairs: number, seed: number, shift: number, planOf: (n: number) => Partial<Plan> = () => ({})) {
  const draw = vectors(seed);
  return Array.from({ length: pairs }, (_, n) => [realAt(n, draw()), sampleAt(n, draw(shift), planOf(n))]).flat();
}

describe('the test of equality', () => {
  test('T17: is right about samples that differ, and about most that do not', async () => {
    expect((await equalityOf(paired(300, 1, 2))).at(-1)).toMatchObject({ alpha: 0.05, rejected: true });
    let rejected = 0;
    for (let seed = 0; seed < 40; seed++)
      if ((await equalityOf(paired(120, seed, 0), 0.2, 37)).at(-1)?.rejected) rejected++;
    // at most a fifth of 40, and twice its error
    expect(rejected).toBeLessThanOrEqual(8 + 2 * 2.6);
  });

  test('each real record and each sample is used once, after the bandwidth is known', async () => {
    // 16 real records give the bandwidth; then samples alone wait, up to a window of them
    const draw = vectors(1);
    const reals = (from: number, count: number) => Array.from({ length: count }, (_, n) => realAt(from + n, draw()));
    const samples = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => sampleAt(from + n, draw()));
    const pairs = async (records: readonly (EmbeddedReal | Sample)[]) => (await equalityOf(records)).at(-1)?.pairs;
    expect(await pairs([...reals(0, 16), ...samples(0, 20)])).toBe(0);
    expect(await pairs([...reals(0, 26), ...samples(0, 20)])).toBe(10);
    expect(await pairs([...reals(0, 16), ...samples(0, 20), ...reals(16, 30), ...samples(20, 1)])).toBe(17);
    // of 100 real records that wait, the newest window is left
    expect(await pairs([...reals(0, 116), ...samples(0, 40)])).toBe(16);
  });

  test('what was rejected at one alpha is judged by the alpha that is asked for after a restart', () => {
    const window = (name: string) => {
      const made = new EmbeddingWindow({ name, capacity: 8, dimensions: 6, memory: new Map() });
      made.useFeatures(randomFeatures({ dimensions: 6, frequencies: 16, bandwidth: 1, seed: 5 }));
      return made;
    };
    const [real, synthetic] = [window('real'), window('synthetic')];
    const memory = new Map<string, unknown>();
    const watched = (alpha: number) =>
      new EqualityWatch({ real, synthetic, isSibling: () => false, frequencies: 16, alpha, memory });
    const first = watched(0.05);
    const draw = vectors(2);
    while (!first.report().rejected) {
      real.push(draw());
      synthetic.push(draw(2));
      for (const [key, value] of first.arrived()) memory.set(key, JSON.parse(JSON.stringify(value)));
    }
    expect(watched(0.05).report()).toEqual(first.report());
    expect(watched(1e-6).report()).toEqual({ ...first.report(), alpha: 1e-6, rejected: false });
    expect(watched(0.2).report()).toMatchObject({ alpha: 0.2, rejected: true });
  });

  test('of samples that were written from the same attributes, or together, one is used', async () => {
    const attributes = (n: number): Partial<Plan> => ({
      attributes: { id: recordId('attributes', Math.floor(n / 5)), values: { tone: 'calm' }, calls: [] },
    });
    const together = (n: number): Partial<Plan> => ({ group: { number: Math.floor(n / 5), place: n % 5, size: 5 } });
    // 16 pairs come before the bandwidth
    expect((await equalityOf(paired(116, 1, 0))).at(-1)?.pairs).toBe(100);
    // the groups 3 to 23: when the bandwidth was known, the first sample of group 3 was still to come
    expect((await equalityOf(paired(116, 1, 0, attributes))).at(-1)?.pairs).toBe(21);
    expect((await equalityOf(paired(116, 1, 0, together))).at(-1)?.pairs).toBe(21);
  });
});
