import { checkBandwidth, rbf } from '../mmd/rbf.js';
import type { Vector } from '../vector-distance.js';
import { type FactorRows, factorRows } from '../wasm/factor-rows.js';
import type { SimdOption } from '../wasm/tile-memory.js';

export interface PosteriorVarianceOptions extends SimdOption {
  readonly dimensions: number;
  /** Length scale of the RBF kernel. */
  readonly bandwidth: number;
  /** Observations at most. */
  readonly capacity: number;
  /**
   * Places for points whose variances are always known.
   * @default 0
   */
  readonly places?: number;
}

/** The observation that is nearest to a point, the earliest of equals, and the kernel between them; -1 and 0 where there is none. */
export interface NearestObservation {
  readonly index: number;
  readonly kernel: number;
}

const smallestNoise = 1e-12;

/**
 * The variance of a Gaussian process of unit amplitude at any point, given noisy observations at others: var(x | Z).
 *
 * 1 - k(x, Z) (K(Z, Z) + diag(noise))^-1 k(Z, x), by a Cholesky factor that grows a row with each observation. Points are float32, all arithmetic
 * is float64. O(m d + m^2) to ask, O(d + m) for each placed point when one is observed. Kernel values are kept, so that other noises cost no
 * distances: O(m^3 + places m^2). A row depends on those before it alone: a factor that grew and one that is built anew from the same
 * observations in the same order are equal to the last bit, with SIMD and without. Memory: (places + capacity) (4 d + 16 capacity) bytes.
 *
 * @example
 * ```ts
 * const process = new PosteriorVariance({ dimensions: 1, bandwidth: 1, capacity: 16 });
 * process.add(Float32Array.of(0));
 * process.variance(Float32Array.of(1)); // 1 - 1/e
 * ```
 */
export class PosteriorVariance {
  /** Observations at most. */
  readonly capacity: number;
  /** Of the placed points: `Float64Array [places]`, 1 where there is none. */
  readonly variances: Float64Array;
  /** Of the placed points, the index of the observation nearest to them, the earliest of equals; -1 where there is none. */
  readonly nearest: Int32Array;
  /** The kernel between these two. */
  readonly nearestKernels: Float64Array;
  readonly #dimensions: number;
  readonly #places: number;
  #bandwidth: number;
  /** Rows for the placed points, then for the observations, then for a point that is asked about. */
  readonly #rows: FactorRows;
  /** Of those rows but the last, with the observations: `Float64Array [rows, capacity]`. */
  readonly #kernels: Float64Array;
  /** Behind the last place with a point. */
  #end = 0;
  /** In the order of the observations, their rows. */
  #observed: number[] = [];
  #noises: number[] = [];

  /** Throws `TypeError` for a bandwidth that is not positive. */
  constructor({ dimensions, bandwidth, capacity, places = 0, simd }: PosteriorVarianceOptions) {
    checkBandwidth(bandwidth);
    this.#dimensions = dimensions;
    this.#bandwidth = bandwidth;
    this.#places = places;
    this.capacity = capacity;
    const rows = places + capacity + 1;
    this.#rows = factorRows({ rows, dimensions, capacity }, simd === undefined ? {} : { simd });
    this.#kernels = new Float64Array((rows - 1) * this.#rows.capacity);
    this.variances = new Float64Array(places).fill(1);
    this.nearest = new Int32Array(places).fill(-1);
    this.nearestKernels = new Float64Array(places);
  }

  get bandwidth(): number {
    return this.#bandwidth;
  }

  /** Observations. */
  get size(): number {
    return this.#observed.length;
  }

  /** Variance of the noise of an observation. */
  noiseOf(index: number): number {
    return this.#noises[index] ?? 0;
  }

  /**
   * Observes a point; `noise` is the variance of what is added to the observation. Throws `TypeError` for another length, a number that is not
   * finite, and a noise below 1e-12, `RangeError` beyond the capacity.
   */
  add(point: Vector, noise = smallestNoise): void {
    checkNoise(noise);
    const row = this.#freeRow();
    this.#put(row, point);
    this.#measure(row, 0);
    this.#observe(row, noise);
    for (let place = 0; place < this.#end; place++) {
      this.#measure(place, this.size - 1);
      this.#catchUp(place, this.size - 1);
    }
  }

  /**
   * Puts a point into a place, instead of what was there; places are filled from 0 on. Throws `TypeError` as `add`, and `RangeError` where
   * there is no such place, or the one before it is empty.
   */
  place(place: number, point: Vector): void {
    if (!(place >= 0 && place <= this.#end && place < this.#places)) {
      throw new RangeError(`place: expected a number from 0 to ${Math.min(this.#end, this.#places - 1)}, got ${place}`);
    }
    this.#put(place, point);
    this.#end = Math.max(this.#end, place + 1);
    this.#measure(place, 0);
    this.#catchUp(place, 0);
  }

  /** Forgets all observations but some, ascending, each of which has another noise from now on; what is left is as if added in this order. */
  keep(kept: readonly { readonly index: number; readonly noise: number }[]): void {
    for (const { noise } of kept) checkNoise(noise);
    const rows = kept.map(({ index }) => this.#observed[index] ?? this.#lastRow);
    const columns = Int32Array.from(kept, ({ index }) => index);
    for (const row of rows) this.#keepKernels(row, columns);
    for (let place = 0; place < this.#end; place++) this.#keepKernels(place, columns);
    this.#forget();
    for (const [j, { noise }] of kept.entries()) this.#observe(rows[j] ?? this.#lastRow, noise);
    for (let place = 0; place < this.#end; place++) this.#catchUp(place, 0);
  }

  /** From now on the kernel has this length scale. Throws `TypeError` as the constructor. */
  useBandwidth(bandwidth: number): void {
    checkBandwidth(bandwidth);
    this.#bandwidth = bandwidth;
    const [rows, noises] = [this.#observed, this.#noises];
    this.#forget();
    for (const [j, row] of rows.entries()) {
      this.#measure(row, 0);
      this.#observe(row, noises[j] ?? smallestNoise);
    }
    for (let place = 0; place < this.#end; place++) {
      this.#measure(place, 0);
      this.#catchUp(place, 0);
    }
  }

  /** Of the process itself at a point, without noise: 0 to 1. Throws `TypeError` as `add`. O(m d + m^2). */
  variance(point: Vector): number {
    const { values } = this.#rows;
    const row = this.#lastRow;
    this.#put(row, point);
    this.#rows.measure(row, 0, this.size);
    for (let j = 0; j < this.size; j++) values[j] = rbf(values[j] ?? 0, this.#bandwidth);
    this.#rows.solve(row, 0, this.size);
    return this.#varianceOf(row, 0, 1);
  }

  /** Throws `TypeError` as `add`. O(m d). */
  nearestTo(point: Vector): NearestObservation {
    const row = this.#lastRow;
    this.#put(row, point);
    this.#rows.measure(row, 0, this.size);
    const { values } = this.#rows;
    let index = -1;
    let kernel = 0;
    for (let j = 0; j < this.size; j++) {
      const own = rbf(values[j] ?? 0, this.#bandwidth);
      if (own <= kernel && index >= 0) continue;
      index = j;
      kernel = own;
    }
    return { index, kernel };
  }

  /** Of a placed point and an observation. */
  kernelOf(place: number, index: number): number {
    return this.#kernels[place * this.#rows.capacity + index] ?? 0;
  }

  /** Writes L^-1 k(Z, x) of a placed point, as float32, to `into` from `start` on: `size` numbers. */
  project(place: number, into: Float32Array, start: number): void {
    const { factor, capacity } = this.#rows;
    for (let j = 0; j < this.size; j++) into[start + j] = factor[place * capacity + j] ?? 0;
  }

  /**
   * What each observation adds to all others, in nats: ln(1 + v / noise) / 2, with v the variance at its point given the others. Small for
   * what is noisy, and for what others say too. O(m^3 / 3).
   */
  information(): Float64Array {
    const { factor, values, capacity } = this.#rows;
    const { size } = this;
    const start = this.#lastRow * capacity;
    values.fill(0);
    const result = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      // column i of the inverse factor; the sum of its squares is the precision of observation i
      factor.fill(0, start, start + i);
      values[i] = 1;
      this.#rows.solve(this.#lastRow, i, size);
      values[i] = 0;
      let precision = 0;
      for (let j = i; j < size; j++) precision += (factor[start + j] ?? 0) ** 2;
      result[i] = Math.max(0, -Math.log(precision * this.noiseOf(i)) / 2);
    }
    return result;
  }

  get #lastRow(): number {
    return this.#places + this.capacity;
  }

  #freeRow(): number {
    const taken = new Set(this.#observed);
    for (let row = this.#places; row < this.#lastRow; row++) if (!taken.has(row)) return row;
    throw new RangeError(`there is room for ${this.capacity} observations, and no more`);
  }

  #put(row: number, point: Vector): void {
    if (point.length !== this.#dimensions) {
      throw new TypeError(`point: expected ${this.#dimensions} numbers, got ${point.length}`);
    }
    if (!point.every(Number.isFinite)) throw new TypeError('point: expected finite numbers');
    this.#rows.points.set(point, row * this.#rows.stride);
  }

  /** Of a row, the kernel values with these observations come to the front. */
  #keepKernels(row: number, columns: Int32Array): void {
    const start = row * this.#rows.capacity;
    for (let j = 0; j < columns.length; j++) {
      this.#kernels[start + j] = this.#kernels[start + (columns[j] ?? 0)] ?? 0;
    }
  }

  /** Kernel values of a row with the observations from `from` on. */
  #measure(row: number, from: number): void {
    const { values, capacity } = this.#rows;
    this.#rows.measure(row, from, this.size);
    for (let j = from; j < this.size; j++) this.#kernels[row * capacity + j] = rbf(values[j] ?? 0, this.#bandwidth);
  }

  /** Solves for a row, by its kernel values with the observations from `from` on. */
  #solve(row: number, from: number): void {
    const { values, capacity } = this.#rows;
    for (let j = from; j < this.size; j++) values[j] = this.#kernels[row * capacity + j] ?? 0;
    this.#rows.solve(row, from, this.size);
  }

  /** The variance of a row that was solved for: what it was given the observations before `from`, less what those since tell. */
  #varianceOf(row: number, from: number, before: number): number {
    const { factor, capacity } = this.#rows;
    let variance = before;
    for (let j = from; j < this.size; j++) {
      const value = factor[row * capacity + j] ?? 0;
      // rounding may take a variance of nothing below it
      variance = Math.max(0, variance - value * value);
    }
    return variance;
  }

  /** A placed point that was measured learns of the observations from `from` on. */
  #catchUp(place: number, from: number): void {
    this.#solve(place, from);
    this.variances[place] = this.#varianceOf(place, from, from === 0 ? 1 : (this.variances[place] ?? 1));
    let index = from === 0 ? -1 : (this.nearest[place] ?? -1);
    let kernel = from === 0 ? 0 : (this.nearestKernels[place] ?? 0);
    for (let j = from; j < this.size; j++) {
      const own = this.#kernels[place * this.#rows.capacity + j] ?? 0;
      if (own <= kernel && index >= 0) continue;
      index = j;
      kernel = own;
    }
    this.nearest[place] = index;
    this.nearestKernels[place] = kernel;
  }

  /** Makes a row that was measured the newest observation. */
  #observe(row: number, noise: number): void {
    this.#solve(row, 0);
    this.#rows.observe(row, 1 / Math.sqrt(this.#varianceOf(row, 0, 1) + noise));
    this.#observed.push(row);
    this.#noises.push(noise);
  }

  #forget(): void {
    this.#rows.clear();
    this.#observed = [];
    this.#noises = [];
  }
}

function checkNoise(noise: number): void {
  if (noise >= smallestNoise && Number.isFinite(noise)) return;
  throw new TypeError(`noise: expected a number from ${smallestNoise}, got ${noise}`);
}
