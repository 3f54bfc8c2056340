/** Points of one space, row by row: `data [size, dimensions]`. */
export interface Points {
  readonly data: Float32Array | Float64Array;
  readonly size: number;
  readonly dimensions: number;
}

/**
 * Vectors of equal length as one array, in float64.
 *
 * Throws `TypeError` for no vectors, vectors without numbers, and vectors of different lengths.
 */
export function stack(vectors: readonly ArrayLike<number>[]): Points {
  const dimensions = vectors[0]?.length ?? 0;
  if (dimensions === 0) throw new TypeError('vectors: expected at least one vector with at least one number');
  const data = new Float64Array(vectors.length * dimensions);
  for (const [row, vector] of vectors.entries()) {
    if (vector.length !== dimensions) {
      throw new TypeError(`vectors: expected ${dimensions} numbers in each, got ${vector.length} in vector ${row}`);
    }
    data.set(vector, row * dimensions);
  }
  return { data, size: vectors.length, dimensions };
}

/** Whether two points are equal in all their numbers. */
export function isCopy({ data, dimensions }: Points, i: number, j: number): boolean {
  for (let k = 0; k < dimensions; k++) if (data[i * dimensions + k] !== data[j * dimensions + k]) return false;
  return true;
}

/** Squared Euclidean distance of point `i` of `a` and point `j` of `b`. */
export function squaredDistance(a: Points, i: number, b: Points, j: number): number {
  const { dimensions, data: left } = a;
  const right = b.data;
  const from = i * dimensions;
  const to = j * dimensions;
  let even = 0;
  let odd = 0;
  let k = 0;
  // two sums, so that an addition need not wait for the one before
  for (; k + 1 < dimensions; k += 2) {
    const first = (left[from + k] ?? 0) - (right[to + k] ?? 0);
    const second = (left[from + k + 1] ?? 0) - (right[to + k + 1] ?? 0);
    even += first * first;
    odd += second * second;
  }
  if (k < dimensions) {
    const last = (left[from + k] ?? 0) - (right[to + k] ?? 0);
    even += last * last;
  }
  return even + odd;
}
