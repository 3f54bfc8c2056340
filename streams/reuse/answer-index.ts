/** Where an answer is kept. */
export interface AnswerPlace {
  /** The number of the partition that has it, from 0 to 65,534. */
  readonly source: number;
  /** On that partition, below 2^48. */
  readonly offset: number;
}

/** Two halves of a request's hash, then the place: its source with the high 16 bits of the offset, and the low 32. */
const slotInts = 4;
const firstCapacity = 1024;
/** Filled further, lookups meet long runs of taken slots. */
const fullAt = 0.75;
const two32 = 2 ** 32;

/**
 * Places of answers by the hash of their request, of which 64 bits are kept: whoever reads a place must see whether it is the
 * answer. Of equal hashes the first place stays.
 *
 * Open addressing in one typed array, 16 bytes a slot, that doubles when three quarters are taken: 21 to 43 bytes an answer, and half
 * as much again while it grows.
 */
export class AnswerIndex {
  #slots = new Uint32Array(firstCapacity * slotInts);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes that it takes now. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** False where the request was there before. Throws `TypeError` for what is no hash of a request. */
  add(request: string, { source, offset }: AnswerPlace): boolean {
    const [high, low] = halves(request);
    if (this.#size >= this.#capacity * fullAt) this.#grow();
    const at = this.#slotOf(high, low);
    if (!this.#isFree(at)) return false;
    // Counted from 1, so that no taken slot is all zeros.
    const packed = (source + 1) * 2 ** 16 + Math.floor(offset / two32);
    this.#slots.set([high, low, packed, offset % two32], at);
    this.#size += 1;
    return true;
  }

  find(request: string): AnswerPlace | undefined {
    const [high, low] = halves(request);
    const at = this.#slotOf(high, low);
    if (this.#isFree(at)) return undefined;
    const packed = this.#slots[at + 2] ?? 0;
    const source = Math.floor(packed / 2 ** 16) - 1;
    return { source, offset: (packed % 2 ** 16) * two32 + (this.#slots[at + 3] ?? 0) };
  }

  get #capacity(): number {
    return this.#slots.length / slotInts;
  }

  /** The slot that a hash has, or would take. */
  #slotOf(high: number, low: number): number {
    const slots = this.#slots;
    const mask = this.#capacity - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const at = slot * slotInts;
      if (this.#isFree(at) || (slots[at] === high && slots[at + 1] === low)) return at;
    }
  }

  #isFree(at: number): boolean {
    return this.#slots[at + 2] === 0;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    for (let at = 0; at < old.length; at += slotInts) {
      if (old[at + 2] === 0) continue;
      this.#slots.set(old.subarray(at, at + slotInts), this.#slotOf(old[at] ?? 0, old[at + 1] ?? 0));
    }
  }
}

function halves(request: string): readonly [high: number, low: number] {
  if (!/^[0-9a-f]{32}$/.test(request)) {
    throw new TypeError(`request: expected 32 hexadecimal digits, got '${request.slice(0, 40)}'`);
  }
  return [Number.parseInt(request.slice(0, 8), 16), Number.parseInt(request.slice(8, 16), 16)];
}
