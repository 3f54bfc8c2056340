import { dot } from '../dot.js';

/** Added and subtracted in this order, it leaves a number on the grid of 2^-36. */
const grid = 1.5 * 2 ** 16;

/** Items that a sum can hold: beyond, its numbers might leave the range in which float64 is exact on the grid. */
export const maxFeatureSumSize = 2 ** 17;

/**
 * The sum of the feature vectors of a window, to which items are added and from which they are removed.
 *
 * Each number is rounded to a multiple of 2^-36 on the way in, so that float64 adds and subtracts without any rounding: the
 * sum does not depend on order, does not drift however long it slides, merges across partitions, and a sum rebuilt from its
 * items is the same to the last bit. O(m) memory. Features are at most 1 in absolute value.
 */
export class FeatureSum {
  /** `Float64Array [2 m]`. */
  readonly values: Float64Array;
  #size = 0;

  constructor(frequencies: number) {
    this.values = new Float64Array(2 * frequencies);
  }

  /** Items inside. */
  get size(): number {
    return this.#size;
  }

  /** Adds an item's features `[2 m]`. Throws `RangeError` above `maxFeatureSumSize` items. */
  add(features: Float64Array): void {
    this.#resize(1);
    const { values } = this;
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + ((features[i] ?? 0) + grid - grid);
  }

  /** Removes an item that is inside, by the same features. Throws `RangeError` where there is none. */
  remove(features: Float64Array): void {
    this.#resize(-1);
    const { values } = this;
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) - ((features[i] ?? 0) + grid - grid);
  }

  /** Adds the items of another sum over the same frequencies. */
  merge(other: FeatureSum): void {
    if (other.values.length !== this.values.length) {
      throw new TypeError(`other: expected ${this.values.length} numbers, got ${other.values.length}`);
    }
    this.#resize(other.size);
    const { values } = this;
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + (other.values[i] ?? 0);
  }

  /** Starts over with these items' features; each array is read before the next is asked for. */
  rebuild(items: Iterable<Float64Array>): void {
    this.values.fill(0);
    this.#size = 0;
    for (const features of items) this.add(features);
  }

  #resize(by: number): void {
    const size = this.#size + by;
    if (size < 0 || size > maxFeatureSumSize) {
      throw new RangeError(`a feature sum holds 0 to ${maxFeatureSumSize} items, not ${size}`);
    }
    this.#size = size;
  }
}

/**
 * Unbiased squared MMD of two windows from their sums, in O(m).
 *
 * (|Sx|^2 - n) / (n (n - 1)) + (|Sy|^2 - m) / (m (m - 1)) - 2 Sx.Sy / (n m), as each item has unit norm. May be negative.
 * Throws `RangeError` for a window of fewer than two items.
 */
export function unbiasedMmd2OfSums(x: FeatureSum, y: FeatureSum): number {
  if (x.size < 2 || y.size < 2) {
    throw new RangeError(`expected at least 2 items in each window, got ${x.size} and ${y.size}`);
  }
  const withinX = (dot(x.values, x.values) - x.size) / (x.size * (x.size - 1));
  const withinY = (dot(y.values, y.values) - y.size) / (y.size * (y.size - 1));
  return withinX + withinY - (2 * dot(x.values, y.values)) / (x.size * y.size);
}
