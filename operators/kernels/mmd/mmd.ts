import type { Points } from '../points.js';
import { type KernelChoice, kernelFunction } from './kernel.js';
import { checkDimensions } from './rbf.js';

// The plain estimators, pair by pair in float64, for small sets; exact-mmd.ts has the fast one.

/**
 * Squared MMD of two samples, biased: the squared distance of their mean embeddings.
 *
 * Never negative but for rounding, and positive on average even where both come from one distribution. Exact, O(n^2). A
 * number as the kernel is the bandwidth of an RBF kernel. Gretton et al., JMLR 2012. Throws `TypeError` for an empty sample,
 * unequal dimensions or a bandwidth that is not positive.
 */
export function biasedMmd2(x: Points, y: Points, kernel: KernelChoice): number {
  checkSizes(x, y, 1);
  const within = kernelSum(x, x, kernel) / x.size ** 2 + kernelSum(y, y, kernel) / y.size ** 2;
  return within - (2 * kernelSum(x, y, kernel)) / (x.size * y.size);
}

/**
 * Squared MMD of two samples, unbiased: no point meets itself.
 *
 * Negative about half of the time where both come from one distribution; do not clamp it before it is averaged. Exact,
 * O(n^2). Gretton et al., JMLR 2012. Throws `TypeError` as `biasedMmd2` does, and for a sample of one point.
 */
export function unbiasedMmd2(x: Points, y: Points, kernel: KernelChoice): number {
  checkSizes(x, y, 2);
  const withinX = sumOffDiagonal(x, kernel) / (x.size * (x.size - 1));
  const withinY = sumOffDiagonal(y, kernel) / (y.size * (y.size - 1));
  return withinX + withinY - (2 * kernelSum(x, y, kernel)) / (x.size * y.size);
}

/**
 * Squared MMD of two samples from disjoint pairs of neighbours, unbiased, in O(n).
 *
 * Noisier than `unbiasedMmd2`, but its terms are independent, so it is normal where both come from one distribution.
 * Points beyond the last full pair of the smaller sample are left out. Gretton et al., JMLR 2012.
 */
export function linearMmd2(x: Points, y: Points, kernel: KernelChoice): number {
  checkSizes(x, y, 2);
  const k = kernelFunction(kernel);
  const pairs = Math.floor(Math.min(x.size, y.size) / 2);
  let total = 0;
  for (let first = 0; first < 2 * pairs; first += 2) {
    const second = first + 1;
    total += k(x, first, x, second) + k(y, first, y, second) - k(x, first, y, second) - k(x, second, y, first);
  }
  return total / pairs;
}

/**
 * Squared MMD of a sample and a weighted one, biased.
 *
 * `weights [y.size]` are at least 0 and add up to 1; equal ones give `biasedMmd2`. Exact, O(n^2).
 */
export function weightedMmd2(x: Points, y: Points, weights: Float64Array, kernel: KernelChoice): number {
  checkSizes(x, y, 1);
  checkWeights(weights, y.size);
  const within = kernelSum(x, x, kernel) / x.size ** 2 + kernelSum(y, y, kernel, weights, weights);
  return within - (2 * kernelSum(x, y, kernel, undefined, weights)) / x.size;
}

/** Throws `TypeError` for samples of two spaces, or with fewer points than an estimator needs. */
export function checkSizes(x: Points, y: Points, least: number): void {
  const smaller = Math.min(x.size, y.size);
  if (smaller < least) throw new TypeError(`points: expected at least ${least} in each sample, got ${smaller}`);
  checkDimensions(x, y);
}

/** Throws `TypeError` unless there is a weight for each point. */
export function checkWeights(weights: Float64Array, size: number): void {
  if (weights.length !== size) throw new TypeError(`weights: expected ${size} of them, got ${weights.length}`);
}

function kernelSum(a: Points, b: Points, kernel: KernelChoice, aWeights?: Float64Array, bWeights?: Float64Array) {
  const k = kernelFunction(kernel);
  let total = 0;
  for (let i = 0; i < a.size; i++) {
    let row = 0;
    for (let j = 0; j < b.size; j++) row += k(a, i, b, j) * (bWeights?.[j] ?? 1);
    total += row * (aWeights?.[i] ?? 1);
  }
  return total;
}

/** Over the pairs i != j, each counted both ways. */
function sumOffDiagonal(a: Points, kernel: KernelChoice): number {
  const k = kernelFunction(kernel);
  let total = 0;
  for (let i = 1; i < a.size; i++) {
    for (let j = 0; j < i; j++) total += k(a, i, a, j);
  }
  return 2 * total;
}
