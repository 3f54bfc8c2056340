const kept = 512;
const recomputedEvery = 128;

/** How long the last answers took: quantiles of at most 512, at most 128 answers old. */
export class Durations {
  /** In order of arrival, the oldest replaced by the newest. */
  readonly #recent: number[] = [];
  #count = 0;
  #sorted = new Float64Array();
  #sortedAt = 0;

  add(ms: number): void {
    this.#recent[this.#count % kept] = ms;
    this.#count += 1;
  }

  /** Milliseconds within which that share of the answers came; undefined before there are `least` of them. */
  quantile(share: number, least = 64): number | undefined {
    if (this.#count < least) return undefined;
    if (this.#sorted.length === 0 || this.#count - this.#sortedAt >= recomputedEvery) {
      this.#sorted = Float64Array.from(this.#recent).sort();
      this.#sortedAt = this.#count;
    }
    return this.#sorted[Math.min(this.#sorted.length - 1, Math.floor(share * this.#sorted.length))];
  }
}

const mostKinds = 32;

/** Durations by the kind of request; the kind that is longest known is forgotten beyond 32. */
export class DurationsByKind {
  readonly #kinds = new Map<string, Durations>();

  of(kind: string): Durations {
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known;
    const [oldest] = this.#kinds.keys();
    if (this.#kinds.size >= mostKinds && oldest !== undefined) this.#kinds.delete(oldest);
    const durations = new Durations();
    this.#kinds.set(kind, durations);
    return durations;
  }
}
