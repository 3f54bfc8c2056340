import { setTimeout as elapsed } from 'node:timers/promises';

/** Where back-off gets its time from; a test brings its own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when that is aborted first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The clock of this machine, which may be set back while it runs. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    signal.throwIfAborted();
    try {
      await elapsed(ms, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};

/** Time that only goes on, from any start: for what measures time and dates nothing. */
export const steadyClock: Clock = { now: () => performance.now(), sleep: systemClock.sleep };
