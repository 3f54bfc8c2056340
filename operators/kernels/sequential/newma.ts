import { type NewmaFactors, newmaFactors } from './newma-factors.js';

/** What a `Newma` is made for. */
export interface NewmaOptions {
  /** Numbers of a feature vector. */
  readonly length: number;
  /** Items in which a change is to be seen; from 2. */
  readonly window: number;
  /**
   * Standard deviations above the mean of the squared statistic from which there is an alarm.
   * @default 7; the published value is 1.645, the 95 % quantile of the normal distribution
   */
  readonly deviations?: number;
  /**
   * How fast the mean and deviation of the threshold forget, in (0, 1).
   * @default a sixteenth of the slow factor; the published value is 0.05
   */
  readonly thresholdFactor?: number;
}

/** What a `Newma` consists of. */
export interface NewmaState {
  /** Items so far. */
  readonly items: number;
  /** Of the squared statistic, and of its square. */
  readonly mean: number;
  readonly meanSquare: number;
  /** The two averages: `Float64Array [length]`. */
  readonly quick: Float64Array;
  readonly slow: Float64Array;
  /** The newest squared statistics: that of item t at t modulo the window, `Float64Array [window]`. */
  readonly squares: Float64Array;
}

/** What one item did. */
export interface NewmaVerdict {
  /** |quick average - slow average|. */
  readonly statistic: number;
  /** Null while it is being learned. */
  readonly threshold: number | null;
  readonly alarm: boolean;
}

const defaultDeviations = 7;
const leastThreshold = 1e-7;

/**
 * Whether a stream has changed against its own recent past: two moving averages of features, no reference, and no window of items.
 *
 * NEWMA (Keriven, Garreau and Poli 2020): averages with the factors of `newmaFactors`, and an alarm where the square of their distance is above
 * its own moving mean by `deviations` standard deviations. These are taken from the items that are a window back: a change raises the distance
 * over a window, and would raise the threshold along with it. Until 1 / factor items have come, an average is the plain mean of them: a start at
 * zero would be a change. The first `newmaLearning` items are learned from and not tested.
 *
 * Alarms come at no promised rate: the squared statistic is not normal, and each is close to the one before. With the published values, a
 * threshold as quick as the statistic, there is one about every 30 items at a window of 64. A drift that is slower than the slow
 * average is absorbed. Where either matters, use `DriftTest`. O(length) an item; in memory, two vectors and a number for each item of the window.
 *
 * @example
 * ```ts
 * const newma = new Newma({ length: 2 * features.frequencies, window: 100 });
 * features.map(embedding, phi);
 * if (newma.push(phi).alarm) console.log('changed');
 * ```
 */
export class Newma {
  /** Items that it learns from before it tests one. */
  readonly learning: number;
  readonly #factors: NewmaFactors;
  readonly #window: number;
  readonly #deviations: number;
  readonly #thresholdFactor: number;
  readonly #quick: Float64Array;
  readonly #slow: Float64Array;
  readonly #squares: Float64Array;
  #items: number;
  #mean: number;
  #meanSquare: number;

  /** Goes on from a state. Throws `TypeError` for options that are out of range, and a state of other sizes. */
  constructor(options: NewmaOptions, state?: NewmaState) {
    const { length, window, deviations = defaultDeviations } = options;
    const factors = newmaFactors(window);
    const { thresholdFactor = factors.slow / 16 } = options;
    checkOptions({ length, window, deviations, thresholdFactor });
    this.#factors = factors;
    this.#window = window;
    this.#deviations = deviations;
    this.#thresholdFactor = thresholdFactor;
    this.learning = newmaLearning(window, factors);
    this.#quick = vectorOf('quick', length, state?.quick);
    this.#slow = vectorOf('slow', length, state?.slow);
    this.#squares = vectorOf('squares', window, state?.squares);
    this.#items = state?.items ?? 0;
    this.#mean = state?.mean ?? 0;
    this.#meanSquare = state?.meanSquare ?? 0;
  }

  /** A copy. */
  get state(): NewmaState {
    return {
      items: this.#items,
      mean: this.#mean,
      meanSquare: this.#meanSquare,
      quick: this.#quick.slice(),
      slow: this.#slow.slice(),
      squares: this.#squares.slice(),
    };
  }

  /** Takes the features `[length]` of the next item in. Throws `TypeError` where one is not finite, and is as it was before. */
  push(features: Float64Array): NewmaVerdict {
    const { length } = this.#quick;
    if (features.length !== length || !isFiniteSum(features)) {
      throw new TypeError(`features: expected ${length} finite numbers`);
    }
    this.#items++;
    const square = this.#average(features);
    const statistic = Math.sqrt(square);
    this.#learn(square);
    const threshold = this.#items > this.learning ? this.#threshold() : null;
    return { statistic, threshold, alarm: threshold !== null && statistic > threshold };
  }

  /** Moves both averages. Returns the square of their distance. */
  #average(features: Float64Array): number {
    const [quick, slow] = [this.#quick, this.#slow];
    const quickFactor = Math.max(this.#factors.quick, 1 / this.#items);
    const slowFactor = Math.max(this.#factors.slow, 1 / this.#items);
    let square = 0;
    for (let i = 0; i < quick.length; i++) {
      const feature = features[i] ?? 0;
      const before = quick[i] ?? 0;
      const longBefore = slow[i] ?? 0;
      const nextQuick = before + quickFactor * (feature - before);
      const nextSlow = longBefore + slowFactor * (feature - longBefore);
      const distance = nextQuick - nextSlow;
      quick[i] = nextQuick;
      slow[i] = nextSlow;
      square += distance * distance;
    }
    return square;
  }

  /** From the square that is a window back, whose place the newest takes. */
  #learn(newest: number): void {
    const slot = this.#items % this.#window;
    const square = this.#squares[slot] ?? 0;
    this.#squares[slot] = newest;
    const learned = this.#items - this.#window - settlingOf(this.#factors);
    if (learned <= 0) return;
    const factor = Math.max(this.#thresholdFactor, 1 / learned);
    this.#mean += factor * (square - this.#mean);
    this.#meanSquare += factor * (square ** 2 - this.#meanSquare);
  }

  #threshold(): number {
    const variance = Math.max(0, this.#meanSquare - this.#mean ** 2);
    // items that are all alike leave a statistic of rounding errors
    return Math.max(leastThreshold, Math.sqrt(this.#mean + this.#deviations * Math.sqrt(variance)));
  }
}

/** Items that a `Newma` learns from before it tests one: until its averages have settled, a window, and as many again for the threshold. */
export function newmaLearning(window: number, factors: NewmaFactors = newmaFactors(window)): number {
  return 2 * settlingOf(factors) + window;
}

/** Items after which the plain mean and the slow average are about as certain. */
function settlingOf({ slow }: NewmaFactors): number {
  return Math.ceil(2 / slow);
}

/** Whether all are finite: of numbers that are not, the sum is not either. Features are far from where it would overflow. */
function isFiniteSum(values: Float64Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  return Number.isFinite(sum);
}

function checkOptions({ length, deviations, thresholdFactor }: Required<NewmaOptions>): void {
  if (!(Number.isSafeInteger(length) && length >= 1)) {
    throw new TypeError(`length: expected an integer from 1, got ${length}`);
  }
  if (!(deviations > 0 && Number.isFinite(deviations))) {
    throw new TypeError(`deviations: expected a number above 0, got ${deviations}`);
  }
  if (!(thresholdFactor > 0 && thresholdFactor < 1)) {
    throw new TypeError(`thresholdFactor: expected a number between 0 and 1, got ${thresholdFactor}`);
  }
}

function vectorOf(name: string, length: number, stored: Float64Array | undefined): Float64Array {
  if (stored === undefined) return new Float64Array(length);
  if (stored.length === length) return stored.slice();
  throw new TypeError(`${name}: expected ${length} numbers, got ${stored.length}`);
}
