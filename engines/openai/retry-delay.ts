const firstMs = 500;
const longestMs = 60_000;
const longestRetryAfterMs = 300_000;

/** What matters of a failure. */
export interface Retriable {
  readonly retriable: boolean;
  /** What the server asked to wait. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * Milliseconds to wait before a failed request is sent again, or undefined where it is not to be sent again.
 *
 * Exponential from 500 ms to 60 s with the upper half of each step random: clients that failed together spread out, and eight
 * retries still always outlast a minute of refusals, which full jitter would not promise. A server's own `Retry-After` is a
 * lower bound, up to 5 minutes, spread by a tenth. The first retry need not be later than an answer takes: where answers take
 * 50 ms, half a second of waiting would be ten of them.
 *
 * @param failed requests of this call that failed before this one, not counting it
 * @param random uniform on [0, 1)
 * @param usualMs of an answer
 */
export function retryDelay(
  failure: Retriable,
  failed: number,
  retries: number,
  random: () => number,
  usualMs = firstMs,
): number | undefined {
  if (!failure.retriable || failed >= retries) return undefined;
  const step = failed === 0 ? Math.min(firstMs, usualMs) : Math.min(longestMs, firstMs * 2 ** failed);
  const backOff = step * (0.5 + random() / 2);
  const asked = Math.min(longestRetryAfterMs, failure.retryAfterMs ?? 0);
  return Math.max(backOff, asked * (1 + random() / 10));
}
