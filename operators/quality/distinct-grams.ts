/** Words of a text that are looked at; of a longer one, the first. */
export const maxWords = 1024;

/** A 32-bit hash for each of the first 1,024 words: `Uint32Array [words]`. Of 100,000 different words, about one pair meets. */
export function wordHashes(words: readonly string[]): Uint32Array {
  return Uint32Array.from(words.slice(0, maxWords), hashOf);
}

/**
 * distinct-n of texts that come and go: different runs of n words / all runs.
 *
 * Counts by 53-bit hash: exact but for words that meet in 32 bits (`wordHashes`). Memory: about 60 bytes for each different run
 * inside. distinct-1 and distinct-2 fall as a set grows, so compare sets of equal size. Li et al., 2016.
 *
 * @example
 * ```ts
 * const pairs = new DistinctGrams(2);
 * for (const text of texts) pairs.add(wordHashes(wordsOf(text)));
 * const distinct2 = pairs.share;
 * ```
 */
export class DistinctGrams {
  readonly #counts = new Map<number, number>();
  #total = 0;

  /** `size`: words of a run. Throws `TypeError` where that is not a positive integer. */
  constructor(readonly size: number) {
    if (!Number.isInteger(size) || size < 1) throw new TypeError(`size: expected an integer from 1, got ${size}`);
  }

  /** Different runs inside. */
  get distinct(): number {
    return this.#counts.size;
  }

  /** All runs inside. */
  get total(): number {
    return this.#total;
  }

  /** distinct / total; 0 where there is none. */
  get share(): number {
    return this.#total === 0 ? 0 : this.#counts.size / this.#total;
  }

  add(words: Uint32Array): void {
    for (let start = 0; start + this.size <= words.length; start++) {
      const gram = this.#gram(words, start);
      this.#counts.set(gram, (this.#counts.get(gram) ?? 0) + 1);
      this.#total++;
    }
  }

  /** Removes a text that is inside. Throws `RangeError` where one of its runs is not. */
  remove(words: Uint32Array): void {
    for (let start = 0; start + this.size <= words.length; start++) {
      const gram = this.#gram(words, start);
      const count = this.#counts.get(gram);
      if (count === undefined) throw new RangeError('the text is not inside');
      if (count === 1) this.#counts.delete(gram);
      else this.#counts.set(gram, count - 1);
      this.#total--;
    }
  }

  #gram(words: Uint32Array, start: number): number {
    let a = 0x9e3779b9;
    let b = 0x85ebca6b;
    for (let i = start; i < start + this.size; i++) {
      const word = words[i] ?? 0;
      a = Math.imul(a ^ word, 0xcc9e2d51);
      a ^= a >>> 15;
      b = Math.imul(b + word, 0x1b873593);
      b ^= b >>> 13;
    }
    // 27 bits of one, 26 of the other
    return (Math.imul(a, 0xc2b2ae35) >>> 5) * 2 ** 26 + (Math.imul(b ^ a, 0x27d4eb2f) >>> 6);
  }
}

/** FNV-1a over the code units, its bits mixed once more. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return (hash ^ (hash >>> 15)) >>> 0;
}
