import { setTimeout as sleep } from 'node:timers/promises';

import { RegistryUnavailable } from './registry-failure.js';

export interface Patience {
  /** Told before each new try; and with null when the wait is over. */
  readonly waiting: (why: string | null) => void;
  /** Before the second try; doubled up to `maxMs` after. @default 250 */
  readonly firstMs?: number;
  /** @default 15000 */
  readonly maxMs?: number;
}

/**
 * Asks again for as long as a registry is unavailable, after a wait that doubles up to a cap; other errors are passed on. Rejects
 * once `signal` is aborted.
 */
export async function patiently<T>(
  ask: () => Promise<T>,
  { waiting, firstMs = 250, maxMs = 15_000 }: Patience,
  signal: AbortSignal,
): Promise<T> {
  let waited = false;
  try {
    for (let ms = firstMs; ; ms = Math.min(2 * ms, maxMs)) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof RegistryUnavailable) || signal.aborted) throw error;
        waited = true;
        waiting(error.message);
      }
      await sleep(ms, undefined, { signal });
    }
  } finally {
    if (waited) waiting(null);
  }
}
