import { rbf } from '../mmd/rbf.js';
import type { Points } from '../points.js';
import { hashUint32 } from '../random.js';
import { squaredDistanceAt } from '../vector-distance.js';

/** The points, and the Gaussian process over them. */
export interface GreedyVarianceOptions {
  readonly points: Points;
  /**
   * Rows of `points` that can be picked.
   * @default all
   */
  readonly rows?: Uint32Array;
  /** Length scale of the RBF kernel. It is never fitted: with targets of zero, fitting would drive it to infinity. */
  readonly bandwidth: number;
  /**
   * Variance of the noise of an observation.
   * @default 1e-12
   */
  readonly jitter?: number;
  /**
   * Decides between points of equal variance, such as at the first pick.
   * @default 0
   */
  readonly seed?: number;
}

export interface VariancePick {
  /** The row of `points`. */
  readonly index: number;
  /** Of the process there, given the picks before. */
  readonly variance: number;
}

/** Variances that differ by less tell nothing: the kernel sees all points as equally far apart. */
export const leastSpread = 1e-9;
/** Variances that differ by less are equal: it is above the rounding of float64, so that rounding decides nothing. */
const tieWidth = 1e-12;
/** Columns that are subtracted in one pass. */
const block = 4;

/**
 * Picks points where a Gaussian process is least sure, one after the other: greedy maximum variance, as pivoted Cholesky.
 *
 * After pick p with residual variance d_p, l_i = (k(x_i, x_p) - sum_j L_ij L_pj) / sqrt(d_p + jitter) and d_i falls by l_i^2: O(n (d + m))
 * for pick m, with no refit; all in float64, so that residuals are those of a solve to about 1e-14. Of points with the greatest variance to
 * 1e-12, a hash of the seed and the row decides, never their order. `informative` tells whether variances differed at all.
 * Memory: 8 n (m + 1) bytes beside the points. Equivalent to P-greedy, and to greedy D-optimal design.
 * Throws `TypeError` for points that are not finite, no rows, and a bandwidth or jitter that is not positive.
 *
 * @example
 * ```ts
 * const greedy = new GreedyVariance({ points, bandwidth: medianHeuristic(points) });
 * const order = Array.from({ length: 100 }, () => greedy.next().index);
 * ```
 */
export class GreedyVariance {
  /** Of the points, or of `rows`, in their order: the variance given all picks, from 0 to 1. */
  readonly residuals: Float64Array;
  readonly #options: Required<GreedyVarianceOptions>;
  /** L, a column for each pick: `Float64Array [n]`. */
  readonly #columns: Float64Array[] = [];
  readonly #picked: Uint8Array;
  #spread = 0;

  constructor(options: GreedyVarianceOptions) {
    const { points, jitter = 1e-12, seed = 0 } = options;
    const rows = options.rows ?? Uint32Array.from({ length: points.size }, (_, row) => row);
    this.#options = { ...options, jitter, seed, rows };
    check(this.#options);
    this.residuals = new Float64Array(rows.length).fill(1);
    this.#picked = new Uint8Array(rows.length);
  }

  /** Points that are left to pick. */
  get remaining(): number {
    return this.residuals.length - this.#columns.length;
  }

  /**
   * Whether, after some pick, the variances of the points that were left differed by 1e-9 or more. If not, the length scale is far from the
   * distances, and the order of the picks is that of the seed.
   */
  get informative(): boolean {
    return this.#spread >= leastSpread;
  }

  /** The newest column of the factor, `Float64Array [n]`: each pick takes its square from the residuals. Undefined before a pick. */
  get newest(): Float64Array | undefined {
    return this.#columns.at(-1);
  }

  /**
   * Picks the point of the greatest variance, or the row `first` whatever its variance. Throws `RangeError` where none is left, or `first`
   * cannot be picked.
   */
  next(first?: number): VariancePick {
    if (this.remaining === 0) throw new RangeError(`all ${this.residuals.length} points have been picked`);
    const at = first === undefined ? this.#mostUncertain() : this.#placeOf(first);
    const variance = this.residuals[at] ?? 0;
    this.#condition(at, variance);
    return { index: this.#options.rows[at] ?? 0, variance };
  }

  #placeOf(row: number): number {
    const at = this.#options.rows.indexOf(row);
    if (at >= 0 && this.#picked[at] === 0) return at;
    throw new RangeError(`row ${row} is ${at < 0 ? 'none of the rows to pick from' : 'picked already'}`);
  }

  #mostUncertain(): number {
    const { residuals } = this;
    const { seed, rows } = this.#options;
    const [, most] = this.#range();
    let best = -1;
    let rank = 2 ** 32;
    for (let i = 0; i < residuals.length; i++) {
      if (this.#picked[i] === 1 || (residuals[i] ?? 0) < most - tieWidth) continue;
      const own = hashUint32(seed, rows[i] ?? 0);
      if (own >= rank) continue;
      best = i;
      rank = own;
    }
    return best;
  }

  /** The least and the greatest variance of what is not picked. */
  #range(): readonly [least: number, most: number] {
    const { residuals } = this;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < residuals.length; i++) {
      if (this.#picked[i] === 1) continue;
      const own = residuals[i] ?? 0;
      if (own < least) least = own;
      if (own > most) most = own;
    }
    return [least, most];
  }

  /** The process is observed at a point: a column more, and smaller residuals. */
  #condition(at: number, variance: number): void {
    const { residuals } = this;
    const column = this.#kernelColumn(at);
    for (let j = 0; j < this.#columns.length; j += block) this.#subtract(column, at, j);
    const scale = 1 / Math.sqrt(variance + this.#options.jitter);
    for (let i = 0; i < column.length; i++) {
      const own = (column[i] ?? 0) * scale;
      column[i] = own;
      // rounding may take a variance of nothing below it
      residuals[i] = Math.max(0, (residuals[i] ?? 0) - own * own);
    }
    this.#columns.push(column);
    this.#picked[at] = 1;
    if (this.remaining > 0) this.#spread = Math.max(this.#spread, spreadOf(...this.#range(), this.remaining));
  }

  #kernelColumn(at: number): Float64Array {
    const { points, rows, bandwidth } = this.#options;
    const { data, dimensions } = points;
    const from = (rows[at] ?? 0) * dimensions;
    const pivot = data.slice(from, from + dimensions);
    const column = new Float64Array(rows.length);
    for (let i = 0; i < column.length; i++) {
      column[i] = rbf(squaredDistanceAt(data, (rows[i] ?? 0) * dimensions, pivot, dimensions), bandwidth);
    }
    return column;
  }

  /** column -= sum over up to four earlier columns L_j, from `j` on, of L_j[at] L_j. */
  #subtract(column: Float64Array, at: number, j: number): void {
    const none = new Float64Array(0);
    const [a = none, b = none, c = none, d = none] = this.#columns.slice(j, j + block);
    const [fa, fb, fc, fd] = [a[at] ?? 0, b[at] ?? 0, c[at] ?? 0, d[at] ?? 0];
    if (d === none) {
      for (const [other, factor] of [[a, fa] as const, [b, fb] as const, [c, fc] as const]) {
        for (let i = 0; i < other.length; i++) column[i] = (column[i] ?? 0) - factor * (other[i] ?? 0);
      }
      return;
    }
    for (let i = 0; i < column.length; i++) {
      const ab = fa * (a[i] ?? 0) + fb * (b[i] ?? 0);
      const cd = fc * (c[i] ?? 0) + fd * (d[i] ?? 0);
      column[i] = (column[i] ?? 0) - (ab + cd);
    }
  }
}

/** How far variances are apart; a single one has only no variance and that of nothing known to be compared with. */
export function spreadOf(least: number, most: number, count: number): number {
  return count === 1 ? Math.min(most, 1 - most) : most - least;
}

function check({ points: { data, size, dimensions }, rows, bandwidth, jitter }: Required<GreedyVarianceOptions>): void {
  for (const [name, value] of Object.entries({ bandwidth, jitter })) {
    if (!(value > 0 && Number.isFinite(value)))
      throw new TypeError(`${name}: expected a positive number, got ${value}`);
  }
  if (rows.length === 0) throw new TypeError('points: expected at least 1');
  for (const row of rows) {
    if (row >= size) throw new TypeError(`rows: expected numbers below ${size}, got ${row}`);
    for (let i = row * dimensions; i < (row + 1) * dimensions; i++) {
      if (!Number.isFinite(data[i]))
        throw new TypeError(`points: expected finite numbers, got ${data[i]} in row ${row}`);
    }
  }
}
