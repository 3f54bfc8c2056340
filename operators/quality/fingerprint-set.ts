import { hashFloat } from '../kernels/random.js';

const firstCapacity = 1024;

/** A number in (0, 1) that stands for a text, or for texts in their order: 53 bits that nobody chose with care. */
export function fingerprint(...texts: readonly string[]): number {
  return hashFloat(0, ...texts) || Number.MIN_VALUE;
}

/**
 * A set of fingerprints by open addressing: exact but for two texts with one fingerprint.
 *
 * That happens among n different texts with probability n^2 / 2^54: 1 in 18,000 for a million. 16 to 32 bytes a text.
 */
export class FingerprintSet implements Iterable<number> {
  /** Zero where free; never more than half full. */
  #slots = new Float64Array(firstCapacity);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(print: number): boolean {
    return this.#slots[this.#slotOf(print)] === print;
  }

  /** Whether it was new. */
  add(print: number): boolean {
    const slot = this.#slotOf(print);
    if (this.#slots[slot] === print) return false;
    this.#slots[slot] = print;
    this.#size += 1;
    if (2 * this.#size > this.#slots.length) this.#rebuild([...this], 2 * this.#slots.length);
    return true;
  }

  /** Keeps those for which `isKept` holds. */
  retain(isKept: (print: number) => boolean): void {
    this.#rebuild([...this].filter(isKept), this.#slots.length);
  }

  *[Symbol.iterator](): Generator<number> {
    for (const print of this.#slots) if (print !== 0) yield print;
  }

  #slotOf(print: number): number {
    const { length } = this.#slots;
    // the low bits, since those that a sketch keeps are all small numbers
    let slot = Math.floor((print * 2 ** 53) % length);
    while (this.#slots[slot] !== 0 && this.#slots[slot] !== print) slot = (slot + 1) % length;
    return slot;
  }

  #rebuild(prints: readonly number[], capacity: number): void {
    this.#slots = new Float64Array(capacity);
    this.#size = prints.length;
    for (const print of prints) this.#slots[this.#slotOf(print)] = print;
  }
}
