/**
 * Token ids by word, bounded: words that were not met among the last `capacity` to `2 * capacity` different ones are
 * forgotten, all at once, so that nothing is kept in order.
 */
export class WordCache {
  #young = new Map<string, readonly number[]>();
  #old = new Map<string, readonly number[]>();

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(word: string): readonly number[] | undefined {
    const young = this.#young.get(word);
    if (young !== undefined) return young;
    const old = this.#old.get(word);
    if (old !== undefined) this.set(word, old);
    return old;
  }

  set(word: string, ids: readonly number[]): void {
    if (this.#young.size >= this.capacity) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(detached(word), ids);
  }
}

/** A slice keeps the text that it was cut from alive; a copy does not. */
function detached(slice: string): string {
  return Buffer.from(slice, 'utf16le').toString('utf16le');
}
