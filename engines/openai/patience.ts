import { AllowedShare } from './allowed-share.js';
import { DurationsByKind } from './durations.js';

/** Over what 99 of 100 answers took to begin. */
const factor = 4;
const leastMs = 250;
/** Of all requests: servers that got slow are not asked twice as much for it. */
const share = 0.05;

/**
 * How long an answer may take to begin before it is taken for lost: learned from the answers to requests of its kind.
 *
 * A request that hangs would hold its place for all of `timeoutMs`. Not before 64 answers of a kind, not below 250 ms, and at
 * most one request of twenty is given up.
 */
export class Patience {
  readonly #isOff: boolean;
  readonly #firsts = new DurationsByKind();
  readonly #allowed = new AllowedShare(share);

  constructor(isOff: boolean) {
    this.#isOff = isOff;
  }

  /** An answer took so long to begin. */
  heard(kind: string, firstMs: number): void {
    this.#firsts.of(kind).add(firstMs);
  }

  /** A request is sent, of which a part may be given up. */
  sent(): void {
    this.#allowed.earn();
  }

  /** Milliseconds that an answer may take to begin; undefined where only `timeoutMs` bounds them. */
  ms(kind: string): number | undefined {
    const usual = this.#isOff ? undefined : this.#firsts.of(kind).quantile(0.99);
    if (usual === undefined) return undefined;
    // Timers of the same duration share a list, so there are only a few durations.
    return 2 ** (Math.ceil(4 * Math.log2(Math.max(leastMs, factor * usual))) / 4);
  }

  mayGiveUp(): boolean {
    return this.#allowed.take();
  }
}
