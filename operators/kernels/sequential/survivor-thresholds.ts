/** Statistics of windows that follow one another, in many streams. */
export interface SurvivorOptions {
  readonly window: number;
  readonly bootstraps: number;
  readonly expectedRunTime: number;
}

/** Streams that should be above a threshold for it to be read off. */
const leastAbove = 10;
/** Run times that a tail is fitted over. */
const rungs = 4;
/** Of one step: a few milliseconds of work. */
const valuesOfStep = 2 ** 18;

/**
 * For each window the value that one in `expectedRunTime` of the streams exceeds that have not exceeded one before.
 *
 * Of values `[window, bootstraps]`, made step by step. Where fewer than 10 streams would exceed the first, thresholds are read off for shorter run
 * times and continued along the logarithm of the run time, by the slope of the least squares line, its mean over the windows.
 */
export class SurvivorThresholds {
  /** The run time that the streams suffice for, where that is less than was asked. */
  readonly extrapolatedFrom: number | null;
  readonly #values: Float32Array;
  readonly #options: SurvivorOptions;
  readonly #runTimes: readonly number[];
  readonly #ladder: Float64Array[];
  /** The streams that no threshold of this rung has stopped: the first `#alive`, in order. */
  readonly #streams: Uint32Array;
  readonly #gathered: Float32Array;
  #alive: number;
  #rung = 0;
  #next = 0;

  constructor(values: Float32Array, options: SurvivorOptions) {
    const { window, bootstraps, expectedRunTime } = options;
    // twice as many above the first rung as are needed to read one threshold off, as the slope hangs on it too
    const from = bootstraps / (2 * leastAbove);
    const isEnough = bootstraps >= leastAbove * expectedRunTime;
    this.#values = values;
    this.#options = options;
    this.extrapolatedFrom = isEnough ? null : from;
    this.#runTimes = isEnough ? [expectedRunTime] : ladderFrom(from, window);
    this.#ladder = this.#runTimes.map(() => new Float64Array(window));
    this.#streams = new Uint32Array(bootstraps);
    this.#gathered = new Float32Array(bootstraps);
    this.#alive = this.#reset();
  }

  get done(): boolean {
    return this.#rung === this.#runTimes.length;
  }

  /** Reads the next thresholds off. */
  step(): void {
    let budget = valuesOfStep;
    while (!this.done && budget > 0) {
      budget -= this.#alive;
      this.#readOff(this.#runTimes[this.#rung] ?? 1, this.#ladder[this.#rung] ?? new Float64Array(0));
      if (++this.#next < this.#options.window) continue;
      this.#next = 0;
      this.#rung++;
      this.#alive = this.#reset();
    }
  }

  /** `Float64Array [window]`, when it is done. */
  thresholds(): Float64Array {
    const [thresholds = new Float64Array(0)] = this.#ladder;
    if (this.extrapolatedFrom === null) return thresholds;
    const slope = slopeOf(this.#runTimes, this.#ladder);
    const rise = slope * Math.log(this.#options.expectedRunTime / this.extrapolatedFrom);
    return thresholds.map((threshold) => threshold + rise);
  }

  #reset(): number {
    for (let stream = 0; stream < this.#streams.length; stream++) this.#streams[stream] = stream;
    return this.#streams.length;
  }

  #readOff(runTime: number, thresholds: Float64Array): void {
    const [streams, gathered, alive] = [this.#streams, this.#gathered, this.#alive];
    const { bootstraps } = this.#options;
    const row = this.#values.subarray(this.#next * bootstraps, (this.#next + 1) * bootstraps);
    for (let i = 0; i < alive; i++) gathered[i] = row[streams[i] ?? 0] ?? 0;
    const threshold = quantile(gathered.subarray(0, alive), alive / runTime);
    thresholds[this.#next] = threshold;
    let left = 0;
    for (let i = 0; i < alive; i++) {
      const stream = streams[i] ?? 0;
      if ((row[stream] ?? 0) <= threshold) streams[left++] = stream;
    }
    this.#alive = left;
  }
}

/** All steps of `SurvivorThresholds` at once. */
export function survivorThresholds(values: Float32Array, options: SurvivorOptions) {
  const survivors = new SurvivorThresholds(values, options);
  while (!survivors.done) survivors.step();
  return { thresholds: survivors.thresholds(), extrapolatedFrom: survivors.extrapolatedFrom };
}

/** The value that `above` of the values exceed; a broken number lies as far between its neighbours. Reorders the values. */
function quantile(values: Float32Array, above: number): number {
  const whole = Math.floor(above);
  const largest = largestOf(values, whole + 2);
  const between = (k: number) =>
    ((largest[Math.max(0, k - 1)] ?? 0) + (largest[Math.min(k, largest.length - 1)] ?? 0)) / 2;
  return between(whole) + (above - whole) * (between(whole + 1) - between(whole));
}

/** The `count` largest, in falling order: a partial quicksort. */
function largestOf(values: Float32Array, count: number): Float32Array {
  const wanted = Math.min(count, values.length);
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1] ?? 0;
    let i = low;
    let j = high;
    while (i <= j) {
      while ((values[i] ?? 0) > pivot) i++;
      while ((values[j] ?? 0) < pivot) j--;
      if (i > j) break;
      const swapped = values[i] ?? 0;
      values[i++] = values[j] ?? 0;
      values[j--] = swapped;
    }
    if (wanted - 1 <= j) high = j;
    else if (wanted - 1 >= i) low = i;
    else break;
  }
  return values.slice(0, wanted).sort().reverse();
}

/** Run times down to an eighth, but not below half a window where that can be: of shorter ones too few streams would be left at the last window. */
function ladderFrom(from: number, window: number): readonly number[] {
  const last = Math.max(from / 8, Math.min(from / 2, window / 2));
  return Array.from({ length: rungs }, (_, rung) => from * (last / from) ** (rung / (rungs - 1)));
}

/** By how much thresholds rise with the logarithm of the run time: of the least squares line over the rungs, the mean over all windows. */
function slopeOf(runTimes: readonly number[], ladder: readonly Float64Array[]): number {
  const middle = runTimes.reduce((sum, runTime) => sum + Math.log(runTime), 0) / runTimes.length;
  let product = 0;
  let squares = 0;
  for (const [rung, thresholds] of ladder.entries()) {
    const mean = thresholds.reduce((sum, threshold) => sum + threshold, 0) / thresholds.length;
    const distance = Math.log(runTimes[rung] ?? 1) - middle;
    product += distance * mean;
    squares += distance ** 2;
  }
  return Math.max(0, product / squares);
}
