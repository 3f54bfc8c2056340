/**
 * Hash tables over the newest places of a ring, in which nothing is ever deleted.
 *
 * Each bucket leads to its newest place, each place to the one before it in the same bucket: `Uint32Array [tables, buckets]` and
 * `Uint32Array [tables, slots]`, 4 bytes each. Places are numbered from 0 in the order in which they came, at most 2^32 - 2 of
 * them; a walk along a chain ends at the first place that the ring has overwritten, since all later ones are older still.
 */
export class Chains {
  /** Each entry is a place plus 1; 0 is none. */
  readonly #heads: Uint32Array;
  #before: Uint32Array;
  #slots: number;
  readonly #buckets: number;

  /** `buckets` is a power of two; `slots` is how many places the ring has. */
  constructor(
    private readonly tables: number,
    buckets: number,
    slots: number,
  ) {
    this.#buckets = buckets;
    this.#slots = slots;
    this.#heads = new Uint32Array(tables * buckets);
    this.#before = new Uint32Array(tables * slots);
  }

  /** Puts the newest place into the bucket of a hash. */
  push(table: number, hash: number, place: number): void {
    const head = this.#head(table, hash);
    this.#before[table * this.#slots + (place % this.#slots)] = this.#heads[head] ?? 0;
    this.#heads[head] = place + 1;
  }

  /** The newest place in the bucket of a hash, or -1. */
  newest(table: number, hash: number): number {
    return (this.#heads[this.#head(table, hash)] ?? 0) - 1;
  }

  /** The place before one that is still in the ring, or -1; it may have been overwritten. */
  older(table: number, place: number): number {
    return (this.#before[table * this.#slots + (place % this.#slots)] ?? 0) - 1;
  }

  /** Makes room for more slots, while no place has been overwritten. */
  grow(slots: number): void {
    const before = new Uint32Array(this.tables * slots);
    for (let table = 0; table < this.tables; table++) {
      before.set(this.#before.subarray(table * this.#slots, (table + 1) * this.#slots), table * slots);
    }
    this.#before = before;
    this.#slots = slots;
  }

  #head(table: number, hash: number): number {
    return table * this.#buckets + (hash & (this.#buckets - 1));
  }
}
