import { allRows } from '../draw-rows.js';
import { isCopy, type Points } from '../points.js';
import { hashUint32 } from '../random.js';
import { PivotedCholesky, type PivotedCholeskyOptions } from './pivoted-cholesky.js';

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
  /**
   * Picks that room is made for at first; it is doubled for more, which takes three times the memory for a while.
   * @default 64
   */
  readonly expected?: number;
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

/**
 * Picks points where a Gaussian process is least sure, one after the other: greedy maximum variance, as pivoted Cholesky.
 *
 * After pick p with residual variance d_p, l_i = (k(x_i, x_p) - sum_j L_ij L_pj) / sqrt(d_p + jitter) and d_i falls by l_i^2, with no refit; all
 * in float64, so that residuals are those of a solve to about 1e-14. Of points with the greatest variance to 1e-12, a hash of the seed and the row
 * decides, never their order. Variances only fall, so those of earlier picks are bounds: at each pick, only the points catch up whose bound could
 * still be the greatest. The picks are the same, for O(n) comparisons and O(d + m) for each point that catches up with pick m: all n at worst.
 * `informative` tells whether variances differed at all.
 * Memory: 8 n m bytes, m being the picks that room is made for, and a copy of the points; beyond 4 GiB there is no SIMD. Equivalent to P-greedy,
 * and to greedy D-optimal design.
 * Throws `TypeError` for points that are not finite, no rows, and a bandwidth or jitter that is not positive.
 *
 * @example
 * ```ts
 * const greedy = new GreedyVariance({ points, bandwidth: medianHeuristic(points) });
 * const order = Array.from({ length: 100 }, () => greedy.next().index);
 * ```
 */
export class GreedyVariance {
  readonly #seed: number;
  readonly #points: Points;
  readonly #rows: Uint32Array;
  readonly #factor: PivotedCholesky;
  readonly #picked: Uint8Array;
  /** The rows that were picked, in their order. */
  readonly #picks: number[] = [];
  /** 1 for the picks that were looked at, and all copies of them. */
  readonly #known: Uint8Array;
  /** Picks after which it was looked whether variances differ; until they once do, it is looked after each. */
  #looked = 0;
  #informative = false;

  constructor(options: GreedyVarianceOptions) {
    const { points, bandwidth, jitter = 1e-12, seed = 0, expected = 64 } = options;
    const { rows = allRows(points.size) } = options;
    check({ points, bandwidth, jitter, rows });
    this.#seed = seed;
    this.#points = points;
    this.#rows = rows;
    this.#factor = new PivotedCholesky({ points, rows, bandwidth, jitter, capacity: expected });
    this.#picked = new Uint8Array(rows.length);
    this.#known = new Uint8Array(rows.length);
  }

  /** Points that are left to pick. */
  get remaining(): number {
    return this.#rows.length - this.#factor.observed;
  }

  /** Of the points, or of `rows`, in their order: the variance given all picks, from 0 to 1. All points catch up when it is read. */
  get residuals(): Float64Array {
    this.#factor.settle();
    return this.#factor.bounds;
  }

  /**
   * Whether, after some pick, the variances of the points that were left differed by 1e-9 or more. Copies of picks do not count, as of these
   * any length scale tells. If not, the length scale is far from the distances, and the order of the picks is that of the seed.
   */
  get informative(): boolean {
    this.#look();
    return this.#informative;
  }

  /**
   * A copy of the newest column of the factor, `Float64Array [n]`, for which all points catch up: its pick took the square from the residuals.
   * Undefined before a pick.
   */
  get newest(): Float64Array | undefined {
    const { observed } = this.#factor;
    return observed === 0 ? undefined : this.#factor.column(observed - 1);
  }

  /**
   * Picks the point of the greatest variance, or the row `first` whatever its variance. Throws `RangeError` where none is left, or `first`
   * cannot be picked.
   */
  next(first?: number): VariancePick {
    if (this.remaining === 0) throw new RangeError(`all ${this.#rows.length} points have been picked`);
    // at what the pick before has left
    this.#look();
    const at = first === undefined ? this.#mostUncertain() : this.#placeOf(first);
    const variance = this.#factor.observe(at);
    const index = this.#rows[at] ?? 0;
    this.#picked[at] = 1;
    this.#picks.push(index);
    return { index, variance };
  }

  /** Whether what is left differs now, until it once did. */
  #look(): void {
    const { observed } = this.#factor;
    if (this.#informative || this.#looked === observed || this.remaining === 0) return;
    for (const pick of this.#picks.slice(this.#looked)) this.#learn(pick);
    this.#looked = observed;
    this.#informative = this.#spread() >= leastSpread;
  }

  #placeOf(row: number): number {
    const at = this.#rows.indexOf(row);
    if (at >= 0 && this.#picked[at] === 0) return at;
    throw new RangeError(`row ${row} is ${at < 0 ? 'none of the rows to pick from' : 'picked already'}`);
  }

  /** Of the greatest variances the one that the hash puts first. */
  #mostUncertain(): number {
    const { bounds } = this.#factor;
    const least = this.#greatest() - tieWidth;
    let best = -1;
    let rank = 2 ** 32;
    for (let i = 0; i < bounds.length; i++) {
      if (this.#picked[i] === 1 || (bounds[i] ?? 0) < least) continue;
      const own = hashUint32(this.#seed, this.#rows[i] ?? 0);
      if (own >= rank) continue;
      best = i;
      rank = own;
    }
    return best;
  }

  /** The greatest variance of what is not picked; all points whose bounds are as great, to the tie width, have caught up. */
  #greatest(): number {
    const { bounds } = this.#factor;
    let most = this.#factor.catchUp(this.#highestBound());
    for (let i = 0; i < bounds.length; i++) {
      if ((bounds[i] ?? 0) < most - tieWidth || this.#picked[i] === 1) continue;
      const bound = this.#factor.catchUp(i, most - tieWidth);
      if (bound > most) most = bound;
    }
    return most;
  }

  #highestBound(): number {
    const { bounds } = this.#factor;
    let highest = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < bounds.length; i++) {
      if ((bounds[i] ?? 0) <= most || this.#picked[i] === 1) continue;
      highest = i;
      most = bounds[i] ?? 0;
    }
    return highest;
  }

  /** A pick and its copies are known; most points differ in their first number. */
  #learn(pick: number): void {
    for (const [at, row] of this.#rows.entries()) if (isCopy(this.#points, row, pick)) this.#known[at] = 1;
  }

  /** How far the variances of what is left are apart, but for copies of picks. */
  #spread(): number {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    const open: number[] = [];
    for (const [at, own] of this.residuals.entries()) {
      if (this.#known[at] === 1) continue;
      open.push(this.#rows[at] ?? 0);
      if (own < least) least = own;
      if (own > most) most = own;
    }
    const [first] = open;
    if (first === undefined) return 0;
    // copies of one another are as one point
    const isSingle = open.every((row) => isCopy(this.#points, row, first));
    return spreadOf(least, most, isSingle ? 1 : open.length);
  }
}

/** How far variances are apart; a single one has only no variance and that of nothing known to be compared with. */
export function spreadOf(least: number, most: number, count: number): number {
  return count === 1 ? Math.min(most, 1 - most) : most - least;
}

function check({
  points: { data, size, dimensions },
  rows,
  bandwidth,
  jitter,
}: Omit<PivotedCholeskyOptions, 'capacity'>): void {
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
