import { ReferenceGram } from './reference-gram.js';
import { SurvivorThresholds } from './survivor-thresholds.js';
import { WindowStatistics } from './window-statistics.js';

/** A reference, and how rarely a stream like it may raise an alarm. */
export interface CalibrationOptions {
  /** Of the reference's items: `Float64Array [size, length]`, unit norm, as `randomFeatures` makes them. */
  readonly features: Float64Array;
  /** Items of the reference: at least 4 x window. */
  readonly size: number;
  /** Newest items of the stream that are held against the reference: 2 to 512. */
  readonly window: number;
  /** Items between two false alarms, in the mean: at least the window. */
  readonly expectedRunTime: number;
  /** Of the random splits. */
  readonly seed: number;
  /**
   * Random splits at most.
   * @default 100,000, less for windows above 80 items: 15,000 at 256 and 512
   */
  readonly maxBootstraps?: number;
}

/** Items of a window at most: the work of a calibration grows with the third power of it, as larger windows need more splits. */
export const mostTested = 512;

/** Where there is an alarm. */
export interface CalibratedThresholds {
  /** After t items that of `t`, at most W - 1: `Float64Array [window]`. */
  readonly thresholds: Float64Array;
  /** Random splits that they were taken from. */
  readonly bootstraps: number;
  /**
   * The expected run time that the splits were enough for, where that is less than was asked: beyond, thresholds grow with the logarithm of the
   * run time.
   */
  readonly extrapolatedFrom: number | null;
}

const mostBootstraps = 100_000;
/** Statistics that are kept at once, float32. */
const mostStatistics = 2 ** 23;
/** Pairs of items that are looked up in all, as far as `leastBootstraps` allows. */
const mostLookups = 2e9;
/** Splits for each item of the window: with fewer, none would be left at the last window for the shorter run times of the tail. */
const leastBootstraps = 30;
/** Of one step: 10 to 30 ms of work. */
const lookupsOfStep = 2 ** 22;
const multiplicationsOfStep = 2 ** 26;
/** Windows closer to the reference than the rounding of the kernel are no drift. */
const leastThreshold = 1e-7;

/**
 * Thresholds for an MMD test of each new item, such that false alarms come once in `expectedRunTime` items on average.
 *
 * Cobb, Van Looveren and Klaise 2022: thresholds h_0 ... h_{W-1}, each the 1 - 1/ERT quantile over the random splits that no earlier one
 * has stopped, so that the chance of an alarm is the same at every item and run times are geometric. It makes 100 x ERT splits
 * where it can, and never more than `maxBootstraps`; where that is less than 10 x ERT, the thresholds for run times that the splits
 * suffice for are continued by an exponential tail, h = a + b log(ERT), whose b all windows share. Then the mean run time is near the asked
 * one only as far as the tail is exponential: it was 1.4 times as long with a fiftieth of the splits that reading off needs.
 *
 * Work is done in steps of 10 to 30 ms, and depends on the options alone. Memory: 4 x size x (size + 2 length) bytes and up to 33 MB of statistics,
 * until it is done. Throws `TypeError` for a window below 2 or above 512, a run time below the window, a reference below 4
 * windows, and features that are not finite.
 *
 * @example
 * ```ts
 * const calibration = new Calibration({ features, size: 1024, window: 64, expectedRunTime: 10_000, seed: 7 });
 * while (!calibration.done) calibration.step();
 * const { thresholds } = calibration.result();
 * ```
 */
export class Calibration {
  readonly bootstraps: number;
  readonly #options: CalibrationOptions;
  #gram: ReferenceGram | undefined;
  #statistics: WindowStatistics | undefined;
  #survivors: SurvivorThresholds | undefined;
  #drawn = 0;
  /** Of window w and split b at `[w x bootstraps + b]`. */
  #values = new Float32Array(0);
  #result: CalibratedThresholds | undefined;

  constructor(options: CalibrationOptions) {
    checkOptions(options);
    this.#options = options;
    this.bootstraps = bootstrapsOf(options);
    this.#gram = new ReferenceGram(options.features, options.size);
  }

  get done(): boolean {
    return this.#result !== undefined;
  }

  /** It is not done before it has made more steps than these. */
  get leastSteps(): number {
    return Math.ceil(this.bootstraps / this.#drawsOfStep);
  }

  get #drawsOfStep(): number {
    return Math.max(1, Math.floor(lookupsOfStep / lookupsOf(this.#options.window)));
  }

  /** Does the next part of the work. */
  step(): void {
    if (this.#result !== undefined || this.#gram === undefined) return;
    if (!this.#gram.done) this.#gram.advance(multiplicationsOfStep);
    else if (this.#drawn < this.bootstraps) this.#draw(this.#gram);
    else this.#readOff();
  }

  /** Throws `TypeError` before it is done. */
  result(): CalibratedThresholds {
    if (this.#result === undefined) throw new TypeError('the calibration is not done yet');
    return this.#result;
  }

  #draw(gram: ReferenceGram): void {
    const { window, seed } = this.#options;
    if (this.#statistics === undefined) {
      this.#statistics = new WindowStatistics(gram, window, seed);
      this.#values = new Float32Array(window * this.bootstraps);
    }
    const end = Math.min(this.bootstraps, this.#drawn + this.#drawsOfStep);
    for (; this.#drawn < end; this.#drawn++) this.#statistics.draw(this.#values, this.#drawn, this.bootstraps);
  }

  #readOff(): void {
    const { window, expectedRunTime } = this.#options;
    const { bootstraps } = this;
    this.#survivors ??= new SurvivorThresholds(this.#values, { window, bootstraps, expectedRunTime });
    this.#survivors.step();
    if (!this.#survivors.done) return;
    const { extrapolatedFrom } = this.#survivors;
    const thresholds = this.#survivors.thresholds();
    for (const [w, threshold] of thresholds.entries()) thresholds[w] = Math.max(leastThreshold, threshold);
    this.#result = { thresholds, bootstraps, extrapolatedFrom };
    this.#gram = undefined;
    this.#statistics = undefined;
    this.#survivors = undefined;
    this.#values = new Float32Array(0);
  }
}

/** All steps of a `Calibration` at once: seconds for large windows and run times. */
export function calibratedThresholds(options: CalibrationOptions): CalibratedThresholds {
  const calibration = new Calibration(options);
  while (!calibration.done) calibration.step();
  return calibration.result();
}

/** Throws `TypeError` where a window, a run time and the size of a reference do not fit together. */
export function checkRunTime(window: number, expectedRunTime: number, size: number): void {
  if (!Number.isSafeInteger(window) || window < 2)
    throw new TypeError(`window: expected an integer from 2, got ${window}`);
  if (window > mostTested) throw new TypeError(`window: expected at most ${mostTested}, got ${window}`);
  if (!(expectedRunTime >= window && Number.isFinite(expectedRunTime))) {
    throw new TypeError(`expectedRunTime: expected a number from the window, ${window}, got ${expectedRunTime}`);
  }
  if (!Number.isSafeInteger(size) || size < 4 * window) {
    throw new TypeError(`reference: expected at least 4 windows, ${4 * window} items, got ${size}`);
  }
}

function checkOptions({ features, size, window, expectedRunTime }: CalibrationOptions): void {
  checkRunTime(window, expectedRunTime, size);
  if (features.length === 0 || features.length % size !== 0) {
    throw new TypeError(`features: expected as many numbers for each of ${size} items, got ${features.length}`);
  }
  if (!features.every(Number.isFinite)) throw new TypeError('features: expected finite numbers');
}

function bootstrapsOf({ window, expectedRunTime, maxBootstraps = mostBootstraps }: CalibrationOptions): number {
  const worthwhile = Math.max(leastBootstraps * window, mostLookups / lookupsOf(window));
  const affordable = Math.min(maxBootstraps, mostStatistics / window, worthwhile);
  return Math.floor(Math.max(200, Math.min(Math.max(1000, 100 * expectedRunTime), affordable)));
}

function lookupsOf(window: number): number {
  return ((2 * window - 1) * (2 * window - 2)) / 2;
}
