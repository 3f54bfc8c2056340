const minuteMs = 60_000;
/** Grants this close together are one entry, so that a minute has at most 241 of them. */
const entryMs = 250;

/** An amount that was granted, which may turn out to be another one. */
export interface Grant {
  /** Puts what it really was in the place of what was estimated. */
  correct(amount: number): void;
}

interface Entry {
  readonly since: number;
  /** Of the last grant: the whole entry leaves the window a minute after it. */
  at: number;
  amount: number;
}

/**
 * What was granted in the last minute, and when more may be: in no 60 s more than `limit`, however it is cut out of time. One that is
 * larger than the limit is granted alone. An amount corrected upwards after it was granted may exceed the limit by the
 * difference. The clock is the caller's, in milliseconds, and must never go back. Keeps at most 241 entries.
 */
export class MinuteWindow {
  readonly #limit: number;
  /** Oldest first. */
  readonly #entries: Entry[] = [];
  #sum = 0;

  constructor(limit: number) {
    if (!(limit > 0)) throw new TypeError(`a minute's limit must be above 0, got ${limit}`);
    this.#limit = limit;
  }

  /** Milliseconds until so much may be granted, if nothing else is or gets corrected; 0 is now. */
  wait(amount: number, now: number): number {
    this.#forget(now);
    const wanted = Math.min(amount, this.#limit);
    let left = this.#sum;
    if (left + wanted <= this.#limit) return 0;
    for (const entry of this.#entries) {
      left -= entry.amount;
      if (left + wanted <= this.#limit) return entry.at + minuteMs - now;
    }
    return minuteMs;
  }

  /** Grants an amount now, for which `wait` must be 0. */
  take(amount: number, now: number): Grant {
    this.#forget(now);
    const entry = this.#entryAt(now);
    this.#add(entry, amount);
    let granted = amount;
    return {
      correct: (actual) => {
        this.#add(entry, actual - granted);
        granted = actual;
      },
    };
  }

  #entryAt(now: number): Entry {
    const last = this.#entries[this.#entries.length - 1];
    if (last !== undefined && now - last.since < entryMs) {
      last.at = now;
      return last;
    }
    const entry = { since: now, at: now, amount: 0 };
    this.#entries.push(entry);
    return entry;
  }

  /** An entry that has left the window counts no more, whatever becomes of it. */
  #add(entry: Entry, amount: number): void {
    entry.amount += amount;
    if (this.#entries.includes(entry)) this.#sum += amount;
  }

  #forget(now: number): void {
    let oldest = this.#entries[0];
    while (oldest !== undefined && now - oldest.at >= minuteMs) {
      this.#entries.shift();
      this.#sum -= oldest.amount;
      oldest = this.#entries[0];
    }
    // What is added and taken away in fractions leaves dust.
    if (oldest === undefined) this.#sum = 0;
  }
}
