import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { Points } from '../points.js';
import { isZero } from './cosine-sum.js';

/** Added and subtracted in this order, it leaves a number on the grid of 2^-36. */
const grid = 1.5 * 2 ** 16;
/** Vectors that are taken in at once: each number of the matrix is read and written once for all of them. */
const block = 8;

/**
 * The sum of z z' over vectors that come and go: from it, how many directions they really fill.
 *
 * O(d^2) memory: the upper triangle, `Float64Array [d (d + 1) / 2]`. A vector costs O(d^2 / 2), taken in eight at a time. Products
 * are rounded to multiples of 2^-36, so that sums are exact up to 131,072 vectors: a window does not drift, and one that is built
 * again from its vectors is the same to the last bit. Beyond, an addition rounds as float64 does. Zero vectors change nothing
 * but are not counted either.
 *
 * @example
 * ```ts
 * const moment = new SecondMoment(256);
 * for (const embedding of embeddings) moment.add(embedding);
 * const effectiveTexts = vendiScore(moment.eigenvalues());
 * ```
 */
export class SecondMoment {
  readonly #triangle: Float64Array;
  readonly #sum: Float64Array;
  /** `[block, d]`, and by row whether it comes (1) or goes (-1); rows from `#filled` on are stale. */
  readonly #pending: Float64Array;
  readonly #signs = new Float64Array(block);
  #filled = 0;
  #size = 0;

  constructor(readonly dimensions: number) {
    this.#triangle = new Float64Array((dimensions * (dimensions + 1)) / 2);
    this.#sum = new Float64Array(dimensions);
    this.#pending = new Float64Array(block * dimensions);
  }

  /** Vectors inside that are not zero. */
  get size(): number {
    return this.#size;
  }

  /** Adds a vector `[dimensions]` of unit norm. Throws `TypeError` for another length. */
  add(vector: Float32Array): void {
    this.#take(vector, 1);
  }

  /** Removes a vector that is inside. Throws `TypeError` for another length, `RangeError` where none is inside. */
  remove(vector: Float32Array): void {
    if (this.#size === 0 && !isZero(vector)) throw new RangeError('there is no vector to remove');
    this.#take(vector, -1);
  }

  /**
   * tr(C)^2 / tr(C^2) of the covariance C: the number of equally strong directions that would vary as much, from 1 to d; 0
   * where nothing varies. O(d^2).
   */
  participationRatio(): number {
    this.#flush();
    const n = this.#size;
    if (n < 2) return 0;
    let trace = 0;
    let squares = 0;
    for (let i = 0, at = 0; i < this.dimensions; i++) {
      const mean = (this.#sum[i] ?? 0) / n;
      for (let j = i; j < this.dimensions; j++, at++) {
        const covariance = (this.#triangle[at] ?? 0) / n - (mean * (this.#sum[j] ?? 0)) / n;
        if (i === j) trace += covariance;
        squares += (i === j ? 1 : 2) * covariance * covariance;
      }
    }
    // what rounding leaves of vectors that are all the same
    return trace < n * this.dimensions * 1e-15 ? 0 : trace ** 2 / squares;
  }

  /**
   * The eigenvalues of Z'Z / n, which are those of the cosine kernel matrix Z Z' / n beside zeros: `Float64Array [d]`, ascending,
   * adding up to 1 for unit vectors. Empty where there are no vectors. O(d^3): 0.13 s at 256 dimensions.
   */
  eigenvalues(): Float64Array {
    return triangleEigenvalues(this.meanTriangle(), this.dimensions);
  }

  /** The upper triangle of Z'Z / n, row by row: `Float64Array [d (d + 1) / 2]`, a copy. Empty where there are no vectors. */
  meanTriangle(): Float64Array {
    this.#flush();
    const n = this.#size;
    return n === 0 ? new Float64Array(0) : this.#triangle.map((sum) => sum / n);
  }

  #take(vector: Float32Array, sign: 1 | -1): void {
    const { dimensions } = this;
    if (vector.length !== dimensions)
      throw new TypeError(`vector: expected ${dimensions} numbers, got ${vector.length}`);
    if (isZero(vector)) return;
    this.#pending.set(vector, this.#filled * dimensions);
    this.#signs[this.#filled] = sign;
    this.#filled++;
    this.#size += sign;
    for (let i = 0; i < dimensions; i++) this.#sum[i] = (this.#sum[i] ?? 0) + sign * ((vector[i] ?? 0) + grid - grid);
    if (this.#filled === block) this.#flush();
  }

  #flush(): void {
    if (this.#filled === 0) return;
    // a full block is always worked through: rows that are not filled add nothing
    this.#pending.fill(0, this.#filled * this.dimensions);
    addProducts(this.#triangle, this.#pending, this.#signs, this.dimensions);
    this.#filled = 0;
  }
}

/** The eigenvalues of a `meanTriangle` of so many dimensions: those of its `SecondMoment`, for which this is the slow part. */
export function triangleEigenvalues(triangle: Float64Array, dimensions: number): Float64Array {
  if (triangle.length === 0) return new Float64Array(0);
  const matrix = Matrix.zeros(dimensions, dimensions);
  for (let i = 0, at = 0; i < dimensions; i++) {
    for (let j = i; j < dimensions; j++, at++) {
      const value = triangle[at] ?? 0;
      matrix.set(i, j, value);
      matrix.set(j, i, value);
    }
  }
  return symmetricEigenvalues(matrix);
}

/**
 * The eigenvalues of the cosine kernel matrix Z Z' / n of n unit vectors: `Float64Array [n]`, ascending; those of `SecondMoment` but
 * for zeros. Cheaper where n < d: O(n^2 d + n^3). Empty where there are no vectors; zero rows must be left out by the caller.
 */
export function kernelEigenvalues({ data, size, dimensions }: Points): Float64Array {
  if (size === 0) return new Float64Array(0);
  const matrix = Matrix.zeros(size, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let dot = 0;
      for (let k = 0; k < dimensions; k++) dot += (data[i * dimensions + k] ?? 0) * (data[j * dimensions + k] ?? 0);
      matrix.set(i, j, dot / size);
      matrix.set(j, i, dot / size);
    }
  }
  return symmetricEigenvalues(matrix);
}

/**
 * The eigenvalues of a symmetric matrix: `Float64Array [n]`, ascending. Its diagonal is moved, in place, by up to `shift` of its greatest value:
 * where rows are equal, the decomposition would divide 0 by 0. The shift must be above the rounding of the matrix.
 */
export function symmetricEigenvalues(matrix: Matrix, shift = 1e-12): Float64Array {
  const n = matrix.rows;
  const greatest = matrix.diagonal().reduce((most, value) => Math.max(most, value), 0);
  for (let i = 0; i < n; i++) matrix.set(i, i, matrix.get(i, i) + (shift * greatest * (i + 1)) / n);
  const { realEigenvalues } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  return Float64Array.from(realEigenvalues).sort();
}

/** triangle += sum over eight rows z of sign z z', each product on the grid. */
function addProducts(triangle: Float64Array, rows: Float64Array, signs: Float64Array, d: number): void {
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0] = signs;
  for (let i = 0, at = 0; i < d; i++) {
    // the sign goes with one factor: rounding is symmetric
    const a0 = s0 * (rows[i] ?? 0);
    const a1 = s1 * (rows[d + i] ?? 0);
    const a2 = s2 * (rows[2 * d + i] ?? 0);
    const a3 = s3 * (rows[3 * d + i] ?? 0);
    const a4 = s4 * (rows[4 * d + i] ?? 0);
    const a5 = s5 * (rows[5 * d + i] ?? 0);
    const a6 = s6 * (rows[6 * d + i] ?? 0);
    const a7 = s7 * (rows[7 * d + i] ?? 0);
    for (let j = i; j < d; j++, at++) {
      const p0 = a0 * (rows[j] ?? 0) + grid - grid;
      const p1 = a1 * (rows[d + j] ?? 0) + grid - grid;
      const p2 = a2 * (rows[2 * d + j] ?? 0) + grid - grid;
      const p3 = a3 * (rows[3 * d + j] ?? 0) + grid - grid;
      const p4 = a4 * (rows[4 * d + j] ?? 0) + grid - grid;
      const p5 = a5 * (rows[5 * d + j] ?? 0) + grid - grid;
      const p6 = a6 * (rows[6 * d + j] ?? 0) + grid - grid;
      const p7 = a7 * (rows[7 * d + j] ?? 0) + grid - grid;
      triangle[at] = (triangle[at] ?? 0) + (p0 + p1 + (p2 + p3) + (p4 + p5 + (p6 + p7)));
    }
  }
}

/**
 * The Vendi score: exp of the entropy of the eigenvalues of K / n, from 1 (all the same) to n (all orthogonal).
 *
 * "How many different texts are these worth". Values are normalised to add up to 1; negative ones are rounding and count as 0.
 * Friedman and Dieng, 2023. 0 where there are no eigenvalues.
 */
export function vendiScore(eigenvalues: ArrayLike<number>): number {
  const values = Array.from(eigenvalues, (value) => Math.max(value, 0));
  const total = values.reduce((sum, value) => sum + value, 0);
  if (total === 0) return 0;
  const entropy = values.reduce(
    (sum, value) => (value === 0 ? sum : sum - (value / total) * Math.log(value / total)),
    0,
  );
  return Math.exp(entropy);
}
