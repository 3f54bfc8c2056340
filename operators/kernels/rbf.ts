import { type Points, squaredDistance } from './points.js';

/** The radial basis function kernel, exp(-d^2 / (2 bandwidth^2)), of a squared distance. */
export function rbf(squared: number, bandwidth: number): number {
  return Math.exp(-squared / (2 * bandwidth * bandwidth));
}

/**
 * The sum of k(a_i, b_j) over all pairs of a point of `a` and a point of `b`; O(sizes x dimensions).
 *
 * Weights, where given, hold a number for each point of their side.
 */
export function rbfSum(a: Points, b: Points, bandwidth: number, aWeights?: Float64Array, bWeights?: Float64Array) {
  checkPair(a, b, bandwidth);
  let total = 0;
  for (let i = 0; i < a.size; i++) {
    let row = 0;
    for (let j = 0; j < b.size; j++) row += rbf(squaredDistance(a, i, b, j), bandwidth) * (bWeights?.[j] ?? 1);
    total += row * (aWeights?.[i] ?? 1);
  }
  return total;
}

/** The sum of k(a_i, a_j) over the pairs i != j, each pair counted both ways. */
export function rbfSumOffDiagonal(a: Points, bandwidth: number): number {
  checkPair(a, a, bandwidth);
  let total = 0;
  for (let i = 1; i < a.size; i++) {
    for (let j = 0; j < i; j++) total += rbf(squaredDistance(a, i, a, j), bandwidth);
  }
  return 2 * total;
}

/** Throws `TypeError` where points of two spaces meet, or the bandwidth is not a positive number. */
export function checkPair(a: Points, b: Points, bandwidth: number): void {
  if (a.dimensions !== b.dimensions) {
    throw new TypeError(`points: expected equal dimensions, got ${a.dimensions} and ${b.dimensions}`);
  }
  if (!(bandwidth > 0 && Number.isFinite(bandwidth))) {
    throw new TypeError(`bandwidth: expected a positive number, got ${bandwidth}`);
  }
}
