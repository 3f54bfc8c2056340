import { FeatureSum } from '../../kernels/mmd/feature-sum.js';

interface Attribute {
  readonly name: string;
  readonly value: string;
}

/** A value of an attribute, once for all samples of a label that have it. */
interface Value {
  /** Undefined for all samples of the label that have any attribute. */
  readonly attribute: Attribute | undefined;
  readonly label: string | undefined;
  /** That of all samples of the label that have any attribute; undefined where it is that itself. */
  readonly whole: Value | undefined;
  /** The slots of the samples that have it. */
  readonly slots: Set<number>;
  /** Of their features, where they are enough. */
  sum: FeatureSum | undefined;
}

/** A value that enough samples of the window have. */
export interface AttributeSum extends Attribute {
  readonly label: string | undefined;
  readonly sum: FeatureSum;
  /** Of all samples of the label that have attributes. */
  readonly all: FeatureSum;
}

/** Samples that must have a value for it to be followed, and their share of the window: so that the followed ones are few. */
const leastSamples = 4;
const leastShare = 1 / 128;

/**
 * The attributes of the samples in a window, by slot, with the sums of features by label and value.
 *
 * Sums are exact, and kept for values that at least 4 samples have, and 1 / 128 of the window: what they hold depends on the window alone, not on how it
 * came about. Memory: the values of the window, and `2 m` float64 for each that is followed: at most 128 for each attribute that a sample has.
 */
export class AttributeValues {
  readonly #values = new Map<string, Value>();
  readonly #slots = new Map<number, ReadonlySet<Value>>();
  /** The features of the sample in a slot; undefined while there are none. */
  readonly #featuresAt: (slot: number) => Float64Array | undefined;

  readonly #least: number;

  constructor(capacity: number, featuresAt: (slot: number) => Float64Array | undefined) {
    this.#least = Math.max(leastSamples, Math.ceil(capacity * leastShare));
    this.#featuresAt = featuresAt;
  }

  /** The values that enough samples have, in an order that a restart may change. */
  *followed(): Iterable<AttributeSum> {
    for (const { attribute, label, sum, whole } of this.#values.values()) {
      const all = whole?.sum;
      if (attribute !== undefined && sum !== undefined && all !== undefined) yield { ...attribute, label, sum, all };
    }
  }

  /** A sample has come into a slot; an attribute that it lists twice counts once. */
  enter(slot: number, attributes: readonly Attribute[], label?: string): void {
    if (attributes.length === 0) return;
    const whole = this.#valueOf(label, undefined, undefined);
    const values = new Set([whole, ...attributes.map((attribute) => this.#valueOf(label, attribute, whole))]);
    this.#slots.set(slot, values);
    for (const value of values) {
      value.slots.add(slot);
      if (value.sum === undefined) this.#follow(value);
      else value.sum.add(this.#featuresAt(slot) ?? new Float64Array(0));
    }
  }

  /** The sample in a slot is about to leave. */
  leave(slot: number): void {
    for (const value of this.#slots.get(slot) ?? []) {
      value.slots.delete(slot);
      if (value.slots.size < this.#least) value.sum = undefined;
      else value.sum?.remove(this.#featuresAt(slot) ?? new Float64Array(0));
      if (value.slots.size === 0) this.#values.delete(keyOf(value.label, value.attribute));
    }
    this.#slots.delete(slot);
  }

  /** The features have become known, or other ones: sums are made anew. */
  rebuild(): void {
    for (const value of this.#values.values()) {
      value.sum = undefined;
      this.#follow(value);
    }
  }

  #valueOf(label: string | undefined, attribute: Attribute | undefined, whole: Value | undefined): Value {
    const key = keyOf(label, attribute);
    const found = this.#values.get(key) ?? { attribute, label, whole, slots: new Set<number>(), sum: undefined };
    this.#values.set(key, found);
    return found;
  }

  #follow(value: Value): void {
    if (value.slots.size < this.#least) return;
    for (const slot of value.slots) {
      const features = this.#featuresAt(slot);
      if (features === undefined) return;
      value.sum ??= new FeatureSum(features.length / 2);
      value.sum.add(features);
    }
  }
}

function keyOf(label = '', attribute: Attribute | undefined): string {
  const parts = attribute === undefined ? [label] : [label, attribute.name, attribute.value];
  return parts.join('\0');
}
