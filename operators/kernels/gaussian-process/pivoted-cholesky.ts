import { rbf } from '../mmd/rbf.js';
import type { Points } from '../points.js';
import { type FactorRows, factorRows } from '../wasm/factor-rows.js';
import type { SimdOption } from '../wasm/tile-memory.js';

export interface PivotedCholeskyOptions {
  readonly points: Points;
  /** Rows of `points` that are taken; the others do not exist here. */
  readonly rows: Uint32Array;
  /** Length scale of the RBF kernel. */
  readonly bandwidth: number;
  /** Variance of the noise of an observation. */
  readonly jitter: number;
  /** Observations that room is made for at first; for more, it is doubled. */
  readonly capacity: number;
}

/** Pivots that a row catches up with at once, before it is looked whether that was enough. */
const batch = 8;

/**
 * The variances of a Gaussian process at many points, given observations at some of them: pivoted Cholesky, row by row on demand.
 *
 * The row of L of point i is l_j = (k(x_i, p_j) - sum_t l_t L_jt) / sqrt(d_j + jitter), with d_j the variance at pivot p_j when it was observed; the
 * variance of i falls by l_j^2 for each pivot. A row depends on nothing but the point and the pivots, so that each point may lag behind: its
 * variance is then that given the first pivots alone, which can only be greater. All in float64; a point that catches up late is equal to the last
 * bit to one that was always current, and so are results with SIMD and without. O(d + m) for a point and its m-th pivot. Memory: a copy of the
 * points, and 8 bytes for each point and pivot that there is room for (`factorRows`); three times that while room is doubled.
 */
export class PivotedCholesky {
  /** Of each row, given as many pivots as it has caught up with: an upper bound of the variance given all. */
  readonly bounds: Float64Array;
  readonly #options: PivotedCholeskyOptions & SimdOption;
  /** Pivots that each row has caught up with. */
  readonly #known: Uint32Array;
  readonly #pivots: { readonly at: number; readonly scale: number }[] = [];
  #factor: FactorRows;
  /** Pivots that all rows have caught up with. */
  #settled = 0;

  constructor(options: PivotedCholeskyOptions & SimdOption) {
    const { length } = options.rows;
    this.#options = options;
    this.bounds = new Float64Array(length).fill(1);
    this.#known = new Uint32Array(length);
    this.#factor = this.#roomFor(Math.min(length, options.capacity));
    const { points, rows } = options;
    for (const [at, row] of rows.entries()) {
      const from = row * points.dimensions;
      this.#factor.points.set(points.data.subarray(from, from + points.dimensions), at * this.#factor.stride);
    }
  }

  /** Observations so far. */
  get observed(): number {
    return this.#factor.size;
  }

  /** Lets a row catch up, at least while its bound is `floor` or more; the bound then. */
  catchUp(at: number, floor = 0): number {
    const { bandwidth } = this.#options;
    const { size, values, factor, capacity } = this.#factor;
    let bound = this.bounds[at] ?? 0;
    let from = this.#known[at] ?? 0;
    while (from < size && bound >= floor) {
      const to = Math.min(size, from + batch);
      this.#factor.measure(at, from, to);
      for (let j = from; j < to; j++) values[j] = rbf(values[j] ?? 0, bandwidth);
      this.#factor.solve(at, from, to);
      for (let j = from; j < to; j++) {
        const value = factor[at * capacity + j] ?? 0;
        // rounding may take a variance of nothing below it
        bound = Math.max(0, bound - value * value);
      }
      from = to;
    }
    this.#known[at] = from;
    this.bounds[at] = bound;
    return bound;
  }

  /** Lets all rows catch up. */
  settle(): void {
    if (this.#settled === this.observed) return;
    for (let at = 0; at < this.bounds.length; at++) this.catchUp(at);
    this.#settled = this.observed;
  }

  /** Observes the process at a row; its variance just before. */
  observe(at: number): number {
    const variance = this.catchUp(at);
    if (this.#factor.size === this.#factor.capacity) this.#enlarge();
    const pivot = { at, scale: 1 / Math.sqrt(variance + this.#options.jitter) };
    this.#factor.observe(pivot.at, pivot.scale);
    this.#pivots.push(pivot);
    return variance;
  }

  /** A column of L of all rows, which catch up: `Float64Array [rows]`. Its observation took its square from the variances. */
  column(j: number): Float64Array {
    this.settle();
    const { factor, capacity } = this.#factor;
    const column = new Float64Array(this.bounds.length);
    for (let at = 0; at < column.length; at++) column[at] = factor[at * capacity + j] ?? 0;
    return column;
  }

  #roomFor(capacity: number): FactorRows {
    const { points, rows, simd } = this.#options;
    const precise = points.data instanceof Float64Array;
    const room = { rows: rows.length, dimensions: points.dimensions, capacity, precise };
    return factorRows(room, simd === undefined ? {} : { simd });
  }

  #enlarge(): void {
    const from = this.#factor;
    const to = this.#roomFor(2 * from.capacity);
    to.points.set(from.points);
    for (const [at, known] of this.#known.entries()) {
      const start = at * from.capacity;
      to.factor.set(from.factor.subarray(start, start + known), at * to.capacity);
    }
    for (const { at, scale } of this.#pivots) to.observe(at, scale);
    this.#factor = to;
  }
}
