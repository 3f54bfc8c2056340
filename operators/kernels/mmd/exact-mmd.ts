import { dot } from '../dot.js';
import type { Points } from '../points.js';
import { type GramOptions, kernelRowSums, kernelSum } from './gram.js';
import { type Kernel, type KernelChoice, kernelFrom } from './kernel.js';
import { checkSizes, checkWeights } from './mmd.js';

/** Squared maximum mean discrepancy. */
export interface Mmd2 {
  /** Without pairs of a point and itself; null for a sample of one point. */
  readonly unbiased: number | null;
  readonly biased: number;
}

/**
 * Squared MMD of two samples over all pairs, in tiles: the fast form of `unbiasedMmd2` and `biasedMmd2`.
 *
 * Within 1e-6 of them for the RBF kernel. O((n + m)^2 dimensions / 2) time and O((n + m) dimensions) memory; the linear kernel takes
 * O((n + m) dimensions) time, as its sums are those of the vectors, in float64. Throws `TypeError` for an empty sample, unequal
 * dimensions and numbers that are not finite.
 *
 * @example
 * ```ts
 * const { unbiased } = exactMmd2(real, synthetic, { name: 'rbf', bandwidth: medianHeuristic(real) });
 * ```
 */
export function exactMmd2(x: Points, y: Points, choice: KernelChoice, options: GramOptions = {}): Mmd2 {
  checkSizes(x, y, 1);
  return mmd2Of(kernelMoments(x, y, kernelFrom(choice), options));
}

/** Squared MMD, biased, of a sample and one with `weights [y.size]` that add up to 1: the fast form of `weightedMmd2`. */
export function exactWeightedMmd2(
  x: Points,
  y: Points,
  weights: Float64Array,
  choice: KernelChoice,
  { progress, ...options }: GramOptions = {},
): number {
  checkSizes(x, y, 1);
  checkWeights(weights, y.size);
  const kernel = kernelFrom(choice);
  const part = partOf(progress);
  const within = kernelSum(x, x, kernel, { ...options, ...part(0, 0.25) }) / x.size ** 2;
  const own = kernelRowSums(y, y, kernel, { ...options, weights, ...part(0.25, 0.5) });
  const across = kernelRowSums(y, x, kernel, { ...options, ...part(0.5, 1) });
  return within + dot(own, weights) - (2 * dot(across, weights)) / x.size;
}

/** The sums of a kernel over the pairs of two samples, which are all that an MMD needs. */
export interface KernelMoments {
  /** Points of either sample. */
  readonly sizes: readonly [x: number, y: number];
  /** Over the pairs i != j of one sample, each counted both ways. */
  readonly within: readonly [x: number, y: number];
  /** Over the points, each with itself. */
  readonly diagonals: readonly [x: number, y: number];
  readonly across: number;
}

/** Both estimators from the sums of a kernel. */
export function mmd2Of({ sizes: [n, m], within: [xx, yy], diagonals: [x, y], across }: KernelMoments): Mmd2 {
  const between = (2 * across) / (n * m);
  return {
    unbiased: n < 2 || m < 2 ? null : xx / (n * (n - 1)) + yy / (m * (m - 1)) - between,
    biased: (xx + x) / n ** 2 + (yy + y) / m ** 2 - between,
  };
}

function kernelMoments(x: Points, y: Points, kernel: Kernel, { progress, ...options }: GramOptions): KernelMoments {
  const sizes = [x.size, y.size] as const;
  if (kernel.name === 'linear') return linearMoments(x, y);
  const part = partOf(progress);
  const all = (x.size + y.size) ** 2;
  const [first, second] = [x.size ** 2 / all, (x.size ** 2 + y.size ** 2) / all];
  const xx = kernelSum(x, x, kernel, { ...options, ...part(0, first) });
  const yy = kernelSum(y, y, kernel, { ...options, ...part(first, second) });
  const across = kernelSum(x, y, kernel, { ...options, ...part(second, 1) });
  return { sizes, within: [xx - x.size, yy - y.size], diagonals: sizes, across };
}

/** The sum of x_i.y_j over all pairs is the dot product of the sums; about a common centre nothing cancels. */
function linearMoments(x: Points, y: Points): KernelMoments {
  const centre = sumOf(x, new Float64Array(x.dimensions)).sum.map((total) => total / x.size);
  const [a, b] = [sumOf(x, centre), sumOf(y, centre)];
  return {
    sizes: [x.size, y.size],
    within: [dot(a.sum, a.sum) - a.squares, dot(b.sum, b.sum) - b.squares],
    diagonals: [a.squares, b.squares],
    across: dot(a.sum, b.sum),
  };
}

function sumOf({ data, size, dimensions }: Points, centre: Float64Array) {
  const sum = new Float64Array(dimensions);
  let squares = 0;
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < dimensions; k++) {
      const value = (data[i * dimensions + k] ?? 0) - (centre[k] ?? 0);
      sum[k] = (sum[k] ?? 0) + value;
      squares += value * value;
    }
  }
  if (!Number.isFinite(squares)) throw new TypeError('points: expected finite numbers');
  return { sum, squares };
}

/** The progress of a part of the work as that of all of it. */
function partOf(progress: GramOptions['progress']) {
  return (from: number, to: number): Pick<GramOptions, 'progress'> =>
    progress === undefined ? {} : { progress: (share) => progress(from + share * (to - from)) };
}
