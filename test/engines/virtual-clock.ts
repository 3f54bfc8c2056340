import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Clock } from '../../engines/openai/clock.js';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that stands still until everybody sleeps, then goes on to the first who wakes. */
export class VirtualClock implements Clock {
  readonly #sleepers = new Set<Sleeper>();

  constructor(private time = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.time;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      setMaxListeners(0, signal);
      const aborted = () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      };
      const sleeper: Sleeper = {
        at: this.time + ms,
        wake: () => {
          signal.removeEventListener('abort', aborted);
          resolve();
        },
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** Lets time pass until the work is done; resolves or rejects as it does. Rejects where nobody sleeps and it is not. */
  async until<Result>(work: Promise<Result>, isIdle: () => boolean = () => true): Promise<Result> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    work.then(done, done);
    for (let turns = 0; turns < 100_000; turns++) {
      for (let turn = 0; turn < 3; turn++) await nextTurn();
      if (settled) return work;
      const [first] = [...this.#sleepers].sort((a, b) => a.at - b.at);
      if (first === undefined || !isIdle()) continue;
      this.time = Math.max(this.time, first.at);
      this.#sleepers.delete(first);
      first.wake();
    }
    throw new Error('the work never ended');
  }
}
