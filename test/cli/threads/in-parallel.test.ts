import { availableParallelism } from 'node:os';

import { expect, test } from 'vitest';

import { inParallel } from '../../../cli/threads/in-parallel.js';

const never = new AbortController().signal;

/** Ends when its signal is aborted. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

test('results are in the order of the items, and as many run as there are processors', async () => {
  let running = 0;
  let most = 0;
  const results = await inParallel([5, 1, 4, 2, 3, 0, 6], never, async (item) => {
    most = Math.max(most, ++running);
    for (let turn = 0; turn < item; turn++) await Promise.resolve();
    running--;
    return 10 * item;
  });
  expect(results).toEqual([50, 10, 40, 20, 30, 0, 60]);
  expect(most).toBe(Math.min(7, availableParallelism()));
  expect(await inParallel([], never, async () => 1)).toEqual([]);
});

test('the first failure ends the others, and is what it rejects with', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const all = inParallel([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], never, async (item, signal) => {
    begun.push(item);
    if (item === 1 || availableParallelism() === 1) throw new Error(`failed at ${item}`);
    return untilAborted(signal).finally(() => ended.push(item));
  });
  await expect(all).rejects.toThrow(/^failed at [01]$/);
  expect(begun.length).toBeLessThanOrEqual(availableParallelism());
  // all that had begun has ended
  expect(ended.length).toBe(begun.length - 1);
});

test('an abort rejects with its reason', async () => {
  const stop = new AbortController();
  const all = inParallel([1, 2, 3], stop.signal, async (_, signal) => {
    stop.abort(new Error('enough'));
    return untilAborted(signal);
  });
  await expect(all).rejects.toThrow('enough');
});
