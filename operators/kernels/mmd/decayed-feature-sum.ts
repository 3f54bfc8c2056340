/**
 * An exponentially weighted sum of feature vectors `[length]`: items fade, none need be kept.
 *
 * Float64. What is rounded fades with the items, so the error stays below 1e-15 / (1 - keep) of the weight however long it runs.
 * Unlike a `FeatureSum` it depends on the order to the last bits; `rebuild` makes it anew from the items.
 */
export class DecayedFeatureSum {
  /** `Float64Array [length]`. */
  readonly values: Float64Array;
  #weight = 0;

  constructor(length: number) {
    this.values = new Float64Array(length);
  }

  /** Of all items together. */
  get weight(): number {
    return this.#weight;
  }

  /** Multiplies the weight of everything inside by `keep`, from 0 to 1. */
  decay(keep: number): void {
    if (!(keep >= 0 && keep <= 1)) throw new TypeError(`keep: expected a number from 0 to 1, got ${keep}`);
    const { values } = this;
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) * keep;
    this.#weight *= keep;
  }

  /** Adds an item of a weight. */
  add(features: Float64Array, weight = 1): void {
    checkLength(features.length, this.values.length);
    const { values } = this;
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + weight * (features[i] ?? 0);
    this.#weight += weight;
  }

  /** Removes an item, by the weight that is left of it. */
  remove(features: Float64Array, weight: number): void {
    this.add(features, -weight);
  }

  /** Adds the items of another sum, with the weights that they have there. */
  merge(other: DecayedFeatureSum): void {
    checkLength(other.values.length, this.values.length);
    const { values } = this;
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + (other.values[i] ?? 0);
    this.#weight += other.weight;
  }

  /** Starts over with items of weight 1, oldest first, with a decay before each. */
  rebuild(items: Iterable<Float64Array>, keep: number): void {
    this.values.fill(0);
    this.#weight = 0;
    for (const features of items) {
      this.decay(keep);
      this.add(features);
    }
  }
}

function checkLength(length: number, expected: number): void {
  if (length !== expected) throw new TypeError(`features: expected ${expected} numbers, got ${length}`);
}
