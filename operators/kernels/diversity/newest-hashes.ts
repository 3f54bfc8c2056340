import { Chains } from './chains.js';

const leastSlots = 1024;

/**
 * The newest `capacity` hashes of 64 bits, each as two of 32: whether one is among them.
 *
 * 8 bytes a hash and 8 to 12 for finding it; arrays grow up to the capacity. Of a million hashes, one in 10^13 questions meets
 * another's.
 */
export class NewestHashes {
  #slots: number;
  #hashes: Uint32Array;
  #chains: Chains;
  #added = 0;

  constructor(private readonly capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new TypeError(`capacity: expected an integer of at least 1, got ${capacity}`);
    }
    this.#slots = Math.min(capacity, leastSlots);
    this.#hashes = new Uint32Array(2 * this.#slots);
    this.#chains = this.#emptyChains();
  }

  get size(): number {
    return Math.min(this.#added, this.capacity);
  }

  /** The number of the newest one that is the same, or -1. */
  numberOf(low: number, high: number): number {
    const oldest = this.#added - this.size;
    let number = this.#chains.newest(0, low);
    for (; number >= oldest; number = this.#chains.older(0, number)) {
      const slot = 2 * (number % this.#slots);
      if (this.#hashes[slot] === low >>> 0 && this.#hashes[slot + 1] === high >>> 0) return number;
    }
    return -1;
  }

  /** Adds a hash; the oldest leaves where there are `capacity`. Gives its number, from 0. */
  add(low: number, high: number): number {
    const number = this.#added;
    if (number === this.#slots && this.#slots < this.capacity) this.#grow();
    const slot = number % this.#slots;
    this.#hashes[2 * slot] = low;
    this.#hashes[2 * slot + 1] = high;
    this.#chains.push(0, low, number);
    this.#added += 1;
    return number;
  }

  #grow(): void {
    this.#slots = Math.min(2 * this.#slots, this.capacity);
    const hashes = new Uint32Array(2 * this.#slots);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#chains = this.#emptyChains();
    for (let number = 0; number < this.#added; number++) this.#chains.push(0, hashes[2 * number] ?? 0, number);
  }

  #emptyChains(): Chains {
    return new Chains(1, 2 ** Math.ceil(Math.log2(this.#slots)), this.#slots);
  }
}
