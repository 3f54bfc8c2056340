/** Lets something happen to at most a share of all requests, at any time; 64 times in a burst at the most. */
export class AllowedShare {
  readonly #share: number;
  #left = 0;

  constructor(share: number) {
    this.#share = share;
  }

  /** A request was sent. */
  earn(): void {
    this.#left = Math.min(64, this.#left + this.#share);
  }

  /** Whether it may happen once more; it is counted then. */
  take(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
