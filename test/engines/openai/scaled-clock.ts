import { type Clock, systemClock } from '../../../engines/openai/clock.js';

/** A clock that runs `factor` times as fast as this machine's, from 1 January 2026. */
export function scaledClock(factor: number): Clock {
  const start = performance.now();
  return {
    now: () => Date.UTC(2026, 0, 1) + (performance.now() - start) * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}
