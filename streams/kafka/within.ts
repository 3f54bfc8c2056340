import { setTimeout as delay } from 'node:timers/promises';

/** Resolves when all have ended, well or not, or after `ms` milliseconds; its timer does not keep the process. */
export async function within(ms: number, ...all: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const over = new AbortController();
  const late = delay(ms, undefined, { signal: over.signal, ref: false }).catch(() => undefined);
  await Promise.race([Promise.allSettled(all), late]);
  over.abort();
}
