import { allRows, drawToFront } from '../draw-rows.js';
import { gram } from '../mmd/gram.js';
import type { Points } from '../points.js';
import { hashUint32, randomFrom } from '../random.js';
import { GreedyVariance, type GreedyVarianceOptions, type VariancePick } from './greedy-variance.js';

export interface IntegratedVarianceOptions extends GreedyVarianceOptions {
  /**
   * Points that stand for all: the variance is lowered over these. Of more, as many are drawn by the seed. They should be many more than the picks.
   * @default 1024
   */
  readonly evaluated?: number;
}

/** Variance of the noise by which what a pick tells is judged: above the rounding of float32. */
export const judgedNoise = 1e-3;
/** Scores that differ by a smaller share are equal. */
const tieShare = 1e-6;

/**
 * Picks points that make a Gaussian process surest over all points, one after the other: greedy integrated variance reduction.
 *
 * The next pick is argmax_p of sum_j c_j(p)^2 / (v(p) + 1e-3), the variance that it takes from the evaluated points j; c is the posterior
 * covariance, v the variance. So it goes to the middle of what is dense and unexplored, where `GreedyVariance` goes to outliers first. Variances are
 * those of `GreedyVariance`, in float64, of which none is put off here; covariances are float32, an error of about 1e-6 in the choice alone. Of
 * equal scores a hash decides. O(n (evaluated + d + m)) for pick m. Memory: 4 n evaluated bytes beside that of `GreedyVariance`, and one more
 * copy of the points. Throws as `GreedyVariance`. Cohn 1996; Seo et al. 2000.
 *
 * @example
 * ```ts
 * const integrated = new IntegratedVariance({ points, bandwidth: medianHeuristic(points) });
 * const order = Array.from({ length: 100 }, () => integrated.next().index);
 * ```
 */
export class IntegratedVariance {
  readonly #greedy: GreedyVariance;
  readonly #rows: Uint32Array;
  readonly #seed: number;
  /** Of the evaluated points among the rows. */
  readonly #evaluated: Uint32Array;
  /** Of each evaluated point with all rows: `Float32Array [evaluated, rows]`. */
  readonly #covariances: Float32Array;
  /** Of each row: the sum of its squared covariances. */
  readonly #squares: Float64Array;
  readonly #picked: Uint8Array;

  constructor(options: IntegratedVarianceOptions) {
    const { points, bandwidth, seed = 0, evaluated = 1024, rows = allRows(points.size) } = options;
    if (!Number.isInteger(evaluated) || evaluated < 1) {
      throw new TypeError(`evaluated: expected an integer from 1, got ${evaluated}`);
    }
    this.#greedy = new GreedyVariance({ ...options, rows });
    this.#rows = rows;
    this.#seed = seed;
    const places = allRows(rows.length);
    const count = Math.min(evaluated, rows.length);
    if (count < rows.length) drawToFront(places, count, randomFrom(seed));
    this.#evaluated = places.slice(0, count);
    const own = rowsOf(points, rows);
    const chosen = rowsOf(own, this.#evaluated);
    this.#covariances = gram(chosen, own, { name: 'rbf', bandwidth });
    this.#squares = new Float64Array(rows.length);
    this.#picked = new Uint8Array(rows.length);
    for (let j = 0; j < count; j++) this.#subtract(j, undefined);
  }

  /** Of the points, or of `rows`, in their order: the variance given all picks. */
  get residuals(): Float64Array {
    return this.#greedy.residuals;
  }

  /** Points that are left to pick. */
  get remaining(): number {
    return this.#greedy.remaining;
  }

  /** As that of `GreedyVariance`. */
  get informative(): boolean {
    return this.#greedy.informative;
  }

  /** Picks the point that tells most, or the row `first`. Throws `RangeError` as `GreedyVariance`. */
  next(first?: number): VariancePick {
    const pick = this.#greedy.next(this.remaining === 0 ? undefined : (first ?? this.#mostTelling()));
    this.#picked[this.#rows.indexOf(pick.index)] = 1;
    this.#squares.fill(0);
    const { newest } = this.#greedy;
    for (let j = 0; j < this.#evaluated.length; j++) this.#subtract(j, newest);
    return pick;
  }

  #mostTelling(): number {
    let best = -1;
    let score = Number.NEGATIVE_INFINITY;
    let rank = 0;
    const { residuals } = this;
    for (let p = 0; p < this.#squares.length; p++) {
      if (this.#picked[p] === 1) continue;
      const own = (this.#squares[p] ?? 0) / ((residuals[p] ?? 0) + judgedNoise);
      if (own < score * (1 - tieShare)) continue;
      const ownRank = hashUint32(this.#seed, this.#rows[p] ?? 0);
      if (own <= score * (1 + tieShare) && ownRank >= rank) continue;
      best = p;
      score = own;
      rank = ownRank;
    }
    return this.#rows[best] ?? 0;
  }

  /** Covariances of an evaluated point, less what a new column of the factor explains; they are added to the squares. */
  #subtract(j: number, column: Float64Array | undefined): void {
    const size = this.#squares.length;
    const row = this.#covariances.subarray(j * size, (j + 1) * size);
    const squares = this.#squares;
    const factor = column?.[this.#evaluated[j] ?? 0] ?? 0;
    for (let p = 0; p < size; p++) {
      const covariance = (row[p] ?? 0) - factor * (column?.[p] ?? 0);
      row[p] = covariance;
      squares[p] = (squares[p] ?? 0) + covariance * covariance;
    }
  }
}

function rowsOf({ data, dimensions }: Points, rows: Uint32Array): Points {
  const own = new Float32Array(rows.length * dimensions);
  for (const [i, row] of rows.entries()) {
    own.set(data.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions);
  }
  return { data: own, size: rows.length, dimensions };
}
