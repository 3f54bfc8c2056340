import { FingerprintSet } from './fingerprint-set.js';

/**
 * How many different fingerprints came, in bounded memory: exact up to `limit`, beyond it an unbiased estimate.
 *
 * Keeps the fingerprints below a bound that is halved whenever more than `limit` are kept (Wegman's adaptive sampling;
 * Flajolet 1990): a standard error of about 1.2 / sqrt(limit), 0.1 % at the default. 32 bytes of memory for each one kept.
 */
export class DistinctCount {
  readonly #kept = new FingerprintSet();
  #bound = 1;

  /** @default 2^20 */
  constructor(readonly limit: number = 2 ** 20) {
    if (!Number.isInteger(limit) || limit < 1) throw new TypeError(`limit: expected an integer from 1, got ${limit}`);
  }

  /** Whether `value` is exact. */
  get isExact(): boolean {
    return this.#bound === 1;
  }

  get value(): number {
    return Math.round(this.#kept.size / this.#bound);
  }

  add(print: number): void {
    if (print >= this.#bound || !this.#kept.add(print)) return;
    while (this.#kept.size > this.limit) {
      this.#bound /= 2;
      this.#kept.retain((kept) => kept < this.#bound);
    }
  }
}
