/** The dot product of two arrays of equal length, added up in their order. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** The dot product of the first `length` numbers; four sums, so that an addition need not wait for the one before. */
export function dotOfFirst(a: Float64Array, b: Float64Array, length: number): number {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    first += (a[i] ?? 0) * (b[i] ?? 0);
    second += (a[i + 1] ?? 0) * (b[i + 1] ?? 0);
    third += (a[i + 2] ?? 0) * (b[i + 2] ?? 0);
    fourth += (a[i + 3] ?? 0) * (b[i + 3] ?? 0);
  }
  for (; i < length; i++) first += (a[i] ?? 0) * (b[i] ?? 0);
  return first + second + (third + fourth);
}
