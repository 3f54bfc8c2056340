import type { Points } from '../points.js';

/** The radial basis function kernel, exp(-d^2 / (2 bandwidth^2)), of a squared distance. */
export function rbf(squared: number, bandwidth: number): number {
  return Math.exp(-squared / (2 * bandwidth * bandwidth));
}

/** Throws `TypeError` where points of two spaces meet. */
export function checkDimensions(a: Points, b: Points): void {
  if (a.dimensions !== b.dimensions) {
    throw new TypeError(`points: expected equal dimensions, got ${a.dimensions} and ${b.dimensions}`);
  }
}

/** Throws `TypeError` where the bandwidth is not a positive number. */
export function checkBandwidth(bandwidth: number): void {
  if (!(bandwidth > 0 && Number.isFinite(bandwidth))) {
    throw new TypeError(`bandwidth: expected a positive number, got ${bandwidth}`);
  }
}
