/** Numbers of a vector, read one by one. */
export type Vector = Float32Array | Float64Array;

/** Squared Euclidean distance of two vectors of one length, in float64: the difference form, which does not cancel. */
export function squaredDistanceOf(a: Vector, b: Vector): number {
  return squaredDistanceAt(a, 0, b, a.length);
}

/** Squared distance of the vector `b` to the `dimensions` numbers of `a` from `from` on; four sums, so that additions need not wait. */
export function squaredDistanceAt(a: Vector, from: number, b: Vector, dimensions: number): number {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let i = 0;
  for (; i + 3 < dimensions; i += 4) {
    const p = (a[from + i] ?? 0) - (b[i] ?? 0);
    const q = (a[from + i + 1] ?? 0) - (b[i + 1] ?? 0);
    const r = (a[from + i + 2] ?? 0) - (b[i + 2] ?? 0);
    const s = (a[from + i + 3] ?? 0) - (b[i + 3] ?? 0);
    first += p * p;
    second += q * q;
    third += r * r;
    fourth += s * s;
  }
  for (; i < dimensions; i++) {
    const rest = (a[from + i] ?? 0) - (b[i] ?? 0);
    first += rest * rest;
  }
  return first + second + (third + fourth);
}
