import type { Points } from '../points.js';

/** The linear kernel: the dot product of point `i` of `a` and point `j` of `b`, in float64. */
export function dotProduct(a: Points, i: number, b: Points, j: number): number {
  const { dimensions } = a;
  let sum = 0;
  for (let k = 0; k < dimensions; k++) sum += (a.data[i * dimensions + k] ?? 0) * (b.data[j * dimensions + k] ?? 0);
  return sum;
}
