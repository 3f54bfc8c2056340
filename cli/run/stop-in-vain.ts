import type { Interruption } from '../signals.js';

const afterSecondMs = 3000;
const afterGraceMs = 5000;

/**
 * Resolves when a stop has waited in vain: three seconds after the second signal, or, while the brokers are away, five seconds after
 * the grace of the first one. What was committed is kept either way.
 */
export function stopInVain(
  { soon, atOnce }: Interruption,
  graceMs: number,
  brokersAreAway: () => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const later = (ms: number, act: () => void) => setTimeout(act, ms).unref();
    const look = () => {
      if (brokersAreAway()) resolve();
      else later(1000, look);
    };
    atOnce.addEventListener('abort', () => later(afterSecondMs, resolve), { once: true });
    soon.addEventListener('abort', () => later(graceMs + afterGraceMs, look), { once: true });
  });
}
