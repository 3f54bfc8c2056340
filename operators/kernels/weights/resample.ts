import { randomFrom } from '../random.js';

/**
 * How often each item is drawn, with replacement, so that the count of item j is `count` w_j rounded down or up.
 *
 * One random offset, then even steps through the heap of weights: the least variance of all unbiased ways to draw. Weights need not add up
 * to 1. `Uint32Array [n]`, adding up to `count`. O(n). Kitagawa 1996. Throws `TypeError` for weights that are negative, not finite or
 * all 0, and for a count that is no whole number.
 *
 * @example
 * ```ts
 * systematicResample(Float64Array.of(0.5, 0.3, 0.2), 10, 7); // 5, 3, 2
 * ```
 */
export function systematicResample(weights: Float64Array, count: number, seed: number): Uint32Array {
  const total = checkedTotal(weights);
  if (!Number.isSafeInteger(count) || count < 0) throw new TypeError(`count: expected a whole number, got ${count}`);
  const offset = randomFrom(seed).float();
  const counts = new Uint32Array(weights.length);
  const last = weights.findLastIndex((weight) => weight > 0);
  let below = 0;
  let drawn = 0;
  for (let i = 0; i <= last; i++) {
    below += weights[i] ?? 0;
    // what rounding takes from the whole is the last one's
    const until = i === last ? count : Math.min(count, Math.floor((below / total) * count + offset));
    counts[i] = Math.max(0, until - drawn);
    drawn = Math.max(drawn, until);
  }
  return counts;
}

/**
 * `count` different items, drawn one after the other in proportion to the weights of those that are left: their indexes, rising.
 *
 * By keys u^(1/w), of which the greatest stay. Efraimidis and Spirakis 2006. Items of weight 0 are never drawn. O(n log count). Throws
 * `TypeError` as `systematicResample` does, and where fewer than `count` items have a weight.
 */
export function sampleWithoutReplacement(weights: Float64Array, count: number, seed: number): Uint32Array {
  checkedTotal(weights);
  const drawable = weights.reduce((sum, weight) => sum + (weight > 0 ? 1 : 0), 0);
  if (!Number.isSafeInteger(count) || count < 0 || count > drawable) {
    throw new TypeError(`count: expected a whole number up to the ${drawable} items that have a weight, got ${count}`);
  }
  if (count === 0) return new Uint32Array(0);
  const reservoir = new WeightedReservoir<number>(count, seed);
  for (const [i, weight] of weights.entries()) reservoir.add(i, weight);
  return Uint32Array.from(reservoir.items).sort();
}

/**
 * A sample without replacement of weighted items that come one by one, of at most `size`; as `sampleWithoutReplacement`.
 *
 * Which ones stay depends on the seed, the weights and their order alone. Memory: `size` items and their keys, in a heap.
 */
export class WeightedReservoir<Item> {
  readonly #random;
  /** A heap, the greatest of -log(u) / w first: the item that would leave next. */
  readonly #heap: { readonly item: Item; readonly key: number }[] = [];

  constructor(
    readonly size: number,
    seed: number,
  ) {
    if (!Number.isInteger(size) || size < 1) throw new TypeError(`size: expected an integer from 1, got ${size}`);
    this.#random = randomFrom(seed);
  }

  /** The item comes in, or is passed over; with a weight of 0 always. Throws `TypeError` for one that is negative or not finite. */
  add(item: Item, weight: number): void {
    if (!(weight >= 0 && Number.isFinite(weight)))
      throw new TypeError(`weight: expected a number from 0, got ${weight}`);
    // drawn also where it is not needed, so that other weights do not shift what follows
    const exponential = -Math.log(1 - this.#random.float());
    if (weight === 0) return;
    const entry = { item, key: exponential / weight };
    if (this.#heap.length < this.size) {
      this.#heap.push(entry);
      this.#rise(this.#heap.length - 1);
    } else if (entry.key < (this.#heap[0]?.key ?? 0)) {
      this.#heap[0] = entry;
      this.#sink();
    }
  }

  /** The sample so far, in no order. */
  get items(): readonly Item[] {
    return this.#heap.map(({ item }) => item);
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (this.#keyAt(parent) >= this.#keyAt(at)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const larger = this.#keyAt(left + 1) > this.#keyAt(left) ? left + 1 : left;
      if (this.#keyAt(larger) <= this.#keyAt(at)) return;
      this.#swap(at, larger);
      at = larger;
    }
  }

  #keyAt(at: number): number {
    return this.#heap[at]?.key ?? Number.NEGATIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}

function checkedTotal(weights: Float64Array): number {
  let total = 0;
  for (const [i, weight] of weights.entries()) {
    if (!(weight >= 0)) throw new TypeError(`weights: expected numbers from 0, got ${weight} at ${i}`);
    total += weight;
  }
  if (!(total > 0 && Number.isFinite(total))) {
    throw new TypeError(`weights: expected finite numbers with one above 0, got a sum of ${total}`);
  }
  return total;
}
