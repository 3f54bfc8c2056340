/** Of a full table, how much is used at most. */
const mostUsed = 0.5;

/**
 * Hashes of 64 bits, each with a number: open addressing with linear probing, no deletion.
 *
 * 12 bytes a place, of which a quarter to a half are used; doubles as it fills. Up to 2^32 - 2 as a number. Of a million hashes, one
 * in 10^13 questions meets another's.
 */
export class GramTable {
  #places = 1024;
  #low = new Uint32Array(this.#places);
  #high = new Uint32Array(this.#places);
  /** The number plus 1; 0 where the place is free. */
  #numbers = new Uint32Array(this.#places);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return 12 * this.#places;
  }

  /** The number of a hash, or -1. */
  get(low: number, high: number): number {
    return (this.#numbers[this.#placeOf(low, high)] ?? 0) - 1;
  }

  /** Sets the number of a hash that has none yet; one that is in keeps its number. */
  add(low: number, high: number, number: number): void {
    const place = this.#placeOf(low, high);
    if (this.#numbers[place] !== 0) return;
    this.#low[place] = low;
    this.#high[place] = high;
    this.#numbers[place] = number + 1;
    this.#size += 1;
    if (this.#size > mostUsed * this.#places) this.#double();
  }

  /** Where the hash is, or the free place where it belongs. */
  #placeOf(low: number, high: number): number {
    const mask = this.#places - 1;
    let place = low & mask;
    while (this.#numbers[place] !== 0 && (this.#low[place] !== low >>> 0 || this.#high[place] !== high >>> 0)) {
      place = (place + 1) & mask;
    }
    return place;
  }

  #double(): void {
    const [low, high, numbers] = [this.#low, this.#high, this.#numbers];
    this.#places *= 2;
    this.#low = new Uint32Array(this.#places);
    this.#high = new Uint32Array(this.#places);
    this.#numbers = new Uint32Array(this.#places);
    this.#size = 0;
    for (let place = 0; place < numbers.length; place++) {
      const number = numbers[place] ?? 0;
      if (number > 0) this.add(low[place] ?? 0, high[place] ?? 0, number - 1);
    }
  }
}
