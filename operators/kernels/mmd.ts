import { type Points, squaredDistance } from './points.js';
import { checkPair, rbf, rbfSum, rbfSumOffDiagonal } from './rbf.js';

/**
 * Squared MMD of two samples under the RBF kernel, biased: the distance of their mean embeddings.
 *
 * Never negative but for rounding, and positive on average even where both come from one distribution. Exact, O(n^2).
 * Gretton et al., JMLR 2012. Throws `TypeError` for an empty sample, unequal dimensions or a bandwidth that is not positive.
 */
export function biasedMmd2(x: Points, y: Points, bandwidth: number): number {
  checkSizes(x, y, 1);
  const within = rbfSum(x, x, bandwidth) / x.size ** 2 + rbfSum(y, y, bandwidth) / y.size ** 2;
  return within - (2 * rbfSum(x, y, bandwidth)) / (x.size * y.size);
}

/**
 * Squared MMD of two samples under the RBF kernel, unbiased: no point meets itself.
 *
 * Negative about half of the time where both come from one distribution; do not clamp it before it is averaged. Exact,
 * O(n^2). Gretton et al., JMLR 2012. Throws `TypeError` as `biasedMmd2` does, and for a sample of one point.
 */
export function unbiasedMmd2(x: Points, y: Points, bandwidth: number): number {
  checkSizes(x, y, 2);
  const withinX = rbfSumOffDiagonal(x, bandwidth) / (x.size * (x.size - 1));
  const withinY = rbfSumOffDiagonal(y, bandwidth) / (y.size * (y.size - 1));
  return withinX + withinY - (2 * rbfSum(x, y, bandwidth)) / (x.size * y.size);
}

/**
 * Squared MMD of two samples under the RBF kernel from disjoint pairs of neighbours, unbiased, in O(n).
 *
 * Noisier than `unbiasedMmd2`, but its terms are independent, so it is normal where both come from one distribution.
 * Points beyond the last full pair of the smaller sample are left out. Gretton et al., JMLR 2012.
 */
export function linearMmd2(x: Points, y: Points, bandwidth: number): number {
  checkSizes(x, y, 2);
  checkPair(x, y, bandwidth);
  const pairs = Math.floor(Math.min(x.size, y.size) / 2);
  const k = (a: Points, i: number, b: Points, j: number) => rbf(squaredDistance(a, i, b, j), bandwidth);
  let total = 0;
  for (let first = 0; first < 2 * pairs; first += 2) {
    const second = first + 1;
    total += k(x, first, x, second) + k(y, first, y, second) - k(x, first, y, second) - k(x, second, y, first);
  }
  return total / pairs;
}

/**
 * Squared MMD of a sample and a weighted one under the RBF kernel, biased.
 *
 * `weights [y.size]` are at least 0 and add up to 1; equal ones give `biasedMmd2`. Exact, O(n^2).
 */
export function weightedMmd2(x: Points, y: Points, weights: Float64Array, bandwidth: number): number {
  checkSizes(x, y, 1);
  if (weights.length !== y.size) throw new TypeError(`weights: expected ${y.size} of them, got ${weights.length}`);
  const within = rbfSum(x, x, bandwidth) / x.size ** 2 + rbfSum(y, y, bandwidth, weights, weights);
  return within - (2 * rbfSum(x, y, bandwidth, undefined, weights)) / x.size;
}

function checkSizes(x: Points, y: Points, least: number): void {
  const smaller = Math.min(x.size, y.size);
  if (smaller < least) throw new TypeError(`points: expected at least ${least} in each sample, got ${smaller}`);
}
