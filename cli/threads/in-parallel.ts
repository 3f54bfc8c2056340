import { availableParallelism } from 'node:os';

/**
 * What comes of each item, in their order, as many at a time as there are processors.
 *
 * `run` gets a signal that is aborted with the given one, and by the first failure. Rejects with that failure, once all that ran has ended.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  signal: AbortSignal,
  run: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const entries = items.entries();
  const lane = async () => {
    for (const [i, item] of entries) {
      if (either.aborted) return;
      results[i] = await run(item, either);
    }
  };
  const lanes = Array.from({ length: Math.min(items.length, availableParallelism()) }, () =>
    lane().catch((error: unknown) => failed.abort(error)),
  );
  await Promise.all(lanes);
  either.throwIfAborted();
  return results;
}
