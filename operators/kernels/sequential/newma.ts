import { DecayedFeatureSum } from '../mmd/decayed-feature-sum.js';

/** How fast the two averages of a `Newma` forget. */
export interface NewmaFactors {
  /** Of the quick one, in (0, 1). */
  readonly quick: number;
  /** Of the slow one, below it. */
  readonly slow: number;
}

/** What a `Newma` is made for. */
export interface NewmaOptions {
  /** Numbers of a feature vector. */
  readonly length: number;
  readonly factors: NewmaFactors;
  /**
   * Standard deviations above the recent mean of the squared statistic from which there is an alarm.
   * @default 1.6448536269514722, the 95 % quantile of the normal distribution
   */
  readonly deviations?: number;
  /**
   * How fast the mean and deviation of the threshold forget.
   * @default 0.05
   */
  readonly thresholdFactor?: number;
}

/** What one item did. */
export interface NewmaVerdict {
  /** |quick average - slow average|. */
  readonly statistic: number;
  readonly threshold: number;
  readonly alarm: boolean;
}

/**
 * Whether a stream has changed against its own recent past: two moving averages of features, no window and no reference.
 *
 * NEWMA (Keriven, Garreau and Poli 2020) with its adaptive threshold. O(length) an item and in memory. Its alarms come at no
 * promised rate, and a drift that is slower than the slow average is absorbed: where the rate matters, use `DriftTest`.
 *
 * @example
 * ```ts
 * const newma = new Newma({ length: 2 * features.frequencies, factors: newmaFactors(100) });
 * features.map(embedding, phi);
 * if (newma.push(phi).alarm) console.log('changed');
 * ```
 */
export class Newma {
  readonly #options: Required<NewmaOptions>;
  readonly #quick: DecayedFeatureSum;
  readonly #slow: DecayedFeatureSum;
  #mean = 0;
  #meanSquare = 0;

  /** Throws `TypeError` for factors that are not 0 < slow < quick < 1. */
  constructor(options: NewmaOptions) {
    const { factors, deviations = 1.6448536269514722, thresholdFactor = 0.05 } = options;
    const { quick, slow } = factors;
    if (!(slow > 0 && quick > slow && quick < 1)) {
      throw new TypeError(`factors: expected 0 < slow < quick < 1, got ${slow} and ${quick}`);
    }
    this.#options = { ...options, deviations, thresholdFactor };
    this.#quick = new DecayedFeatureSum(options.length);
    this.#slow = new DecayedFeatureSum(options.length);
  }

  /** Takes the features `[length]` of the next item in. Throws `TypeError` where one is not finite. */
  push(features: Float64Array): NewmaVerdict {
    if (!features.every(Number.isFinite)) throw new TypeError('features: expected finite numbers');
    const { factors, deviations, thresholdFactor } = this.#options;
    for (const [average, factor] of [
      [this.#quick, factors.quick],
      [this.#slow, factors.slow],
    ] as const) {
      average.decay(1 - factor);
      average.add(features, factor);
    }
    const square = squaredDistance(this.#quick, this.#slow);
    this.#mean += thresholdFactor * (square - this.#mean);
    this.#meanSquare += thresholdFactor * (square ** 2 - this.#meanSquare);
    const deviation = Math.sqrt(Math.max(0, this.#meanSquare - this.#mean ** 2));
    const threshold = Math.sqrt(this.#mean + deviations * deviation);
    const statistic = Math.sqrt(square);
    return { statistic, threshold, alarm: statistic > threshold };
  }
}

/**
 * The factors for changes of about `window` items: slow (1 - slow)^window = quick (1 - quick)^window.
 *
 * The quick one is halfway between the least possible, 1 / (window + 1), and the least of the paper's error bound over a grid of
 * 1,000. Throws `TypeError` for a window below 2.
 */
export function newmaFactors(window: number): NewmaFactors {
  if (!Number.isSafeInteger(window) || window < 2) {
    throw new TypeError(`window: expected an integer from 2, got ${window}`);
  }
  const equal = 1 / (window + 1);
  const [from, to] = [Math.log(1.001 * equal), -0.01];
  let best = { quick: equal, bound: Number.POSITIVE_INFINITY };
  for (let point = 0; point < 1000; point++) {
    const quick = Math.exp(from + (point / 999) * (to - from));
    const bound = errorBound(quick, slowFor(quick, window), window);
    if (bound < best.bound) best = { quick, bound };
  }
  const quick = (best.quick + equal) / 2;
  return { quick, slow: slowFor(quick, window) };
}

/** The other solution of x (1 - x)^window = quick (1 - quick)^window, below 1 / (window + 1), by bisection of the logarithms. */
function slowFor(quick: number, window: number): number {
  const logarithm = (x: number) => Math.log(x) + window * Math.log1p(-x);
  const wanted = logarithm(quick);
  let [low, high] = [0, 1 / (window + 1)];
  for (let halving = 0; halving < 200; halving++) {
    const middle = (low + high) / 2;
    if (logarithm(middle) < wanted) low = middle;
    else high = middle;
  }
  return high;
}

function errorBound(quick: number, slow: number, window: number): number {
  const [old, older] = [(1 - quick) ** window, (1 - slow) ** window];
  return (Math.sqrt(quick + slow) + older ** 2 - old ** 2) / (older - old);
}

function squaredDistance(a: DecayedFeatureSum, b: DecayedFeatureSum): number {
  let total = 0;
  for (let i = 0; i < a.values.length; i++) total += ((a.values[i] ?? 0) - (b.values[i] ?? 0)) ** 2;
  return total;
}
