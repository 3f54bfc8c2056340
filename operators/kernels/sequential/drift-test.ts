import { dot } from '../dot.js';
import { allRows, drawToFront } from '../draw-rows.js';
import { FeatureSum, unbiasedMmd2OfSums } from '../mmd/feature-sum.js';
import { hashUint32, randomFrom } from '../random.js';

/** A reference, the items before the stream, and where alarms begin. */
export interface DriftTestOptions {
  /** The sum of the features of the reference, without 2 x window - 1 items: as large as those that the thresholds are of. */
  readonly reference: FeatureSum;
  /** Features of the newest items, oldest first: `Float64Array [window, length]`. At first, items of the reference. */
  readonly window: Float64Array;
  /** As `calibratedThresholds` makes them: `Float64Array [window]`. */
  readonly thresholds: Float64Array;
  /**
   * Items that were tested before.
   * @default 0
   */
  readonly tested?: number;
}

/** What one item did. */
export interface DriftVerdict {
  /** Unbiased squared MMD of the newest items and the reference. */
  readonly statistic: number;
  readonly threshold: number;
  readonly alarm: boolean;
}

/**
 * Whether a stream has left a frozen reference, decided at every item, with false alarms as rare as they were calibrated to be.
 *
 * Each item replaces the oldest of the window, and there is an alarm where the unbiased squared MMD of window and reference is above the threshold
 * (Cobb, Van Looveren and Klaise 2022). The calibration holds up to the first alarm, for items that are independent: after one, take a new reference.
 * O(length) an item. Memory: `window x length` float64 and two sums, however long it runs.
 *
 * @example
 * ```ts
 * const calibration = { features: phiOfReference, size: 1024, window: 64, expectedRunTime: 10_000, seed: 7 };
 * const { thresholds } = calibratedThresholds(calibration);
 * const test = new DriftTest({ ...splitReference({ ...calibration, thresholds }), thresholds });
 * features.map(embedding, phi);
 * const { alarm } = test.push(phi);
 * ```
 */
export class DriftTest {
  readonly #reference: FeatureSum;
  readonly #within: number;
  readonly #thresholds: Float64Array;
  /** A ring: the item number t is in row t modulo the window. */
  readonly #ring: Float64Array;
  readonly #sum: FeatureSum;
  #tested: number;

  /** Throws `TypeError` where lengths do not fit together. */
  constructor({ reference, window, thresholds, tested = 0 }: DriftTestOptions) {
    const length = reference.values.length;
    const size = thresholds.length;
    if (window.length !== size * length) {
      throw new TypeError(`window: expected ${size} x ${length} numbers, got ${window.length}`);
    }
    this.#reference = reference;
    this.#within = (dot(reference.values, reference.values) - reference.size) / (reference.size * (reference.size - 1));
    this.#thresholds = thresholds;
    this.#tested = tested;
    this.#ring = new Float64Array(window.length);
    this.#sum = new FeatureSum(length / 2);
    for (let age = 0; age < size; age++) {
      const item = window.subarray(age * length, (age + 1) * length);
      this.#ring.set(item, ((tested + age) % size) * length);
      this.#sum.add(item);
    }
  }

  /** Items so far. */
  get tested(): number {
    return this.#tested;
  }

  /** Tests the features `[length]` of the next item. Throws `TypeError` where one is not finite, and is as it was before. */
  push(features: Float64Array): DriftVerdict {
    const length = this.#sum.values.length;
    if (features.length !== length || !features.every(Number.isFinite)) {
      throw new TypeError(`features: expected ${length} finite numbers`);
    }
    const slot = (this.#tested % this.#thresholds.length) * length;
    const row = this.#ring.subarray(slot, slot + length);
    this.#sum.remove(row);
    row.set(features);
    this.#sum.add(row);
    this.#tested++;
    const statistic = this.#statistic();
    const threshold = this.#thresholds[Math.min(this.#tested, this.#thresholds.length - 1)] ?? 0;
    return { statistic, threshold, alarm: statistic > threshold };
  }

  #statistic(): number {
    const { values, size } = this.#sum;
    const within = (dot(values, values) - size) / (size * (size - 1));
    return this.#within + within - (2 * dot(values, this.#reference.values)) / (size * this.#reference.size);
  }
}

/** A reference that is to be split, and its thresholds. */
export interface SplitOptions {
  /** `Float64Array [size, length]`. */
  readonly features: Float64Array;
  readonly size: number;
  readonly thresholds: Float64Array;
  /** Of the split. */
  readonly seed: number;
}

/** Splits that are tried before one is taken that begins above the threshold. */
const attempts = 100;

/**
 * A random split of a reference into the first window and the rest, such that the first window raises no alarm.
 *
 * `rows` are the items of the window, oldest first, and `unused` the window - 1 items that no part has: with them the rest would be larger than in
 * the splits of the calibration, and alarms rarer than asked.
 */
export function splitReference({ features, size, thresholds, seed }: SplitOptions) {
  const length = features.length / size;
  const item = (row: number) => features.subarray(row * length, (row + 1) * length);
  const all = new FeatureSum(length / 2);
  for (let row = 0; row < size; row++) all.add(item(row));
  for (let attempt = 1; ; attempt++) {
    const random = randomFrom(hashUint32(seed, 'split', attempt));
    const drawn = drawToFront(allRows(size), 2 * thresholds.length - 1, random);
    const [rows, unused] = [drawn.slice(0, thresholds.length), drawn.slice(thresholds.length)];
    const [window, rest] = [new FeatureSum(length / 2), new FeatureSum(length / 2)];
    rest.merge(all);
    for (const row of rows) window.add(item(row));
    for (const row of drawn) rest.remove(item(row));
    if (attempt < attempts && unbiasedMmd2OfSums(rest, window) > (thresholds[0] ?? 0)) continue;
    return { reference: rest, rows, unused, window: gathered(rows, length, item) };
  }
}

function gathered(rows: Uint32Array, length: number, item: (row: number) => Float64Array): Float64Array {
  const window = new Float64Array(rows.length * length);
  for (const [place, row] of rows.entries()) window.set(item(row), place * length);
  return window;
}
