import type { TokenTable } from './safetensors.js';

/**
 * Writes the mean of token rows, scaled to unit norm, to `out` at `offset`. Zeros where there is no token, or where the rows
 * cancel out. `sums` is scratch of `[dimensions]`.
 */
export function poolInto(
  table: TokenTable,
  ids: readonly number[],
  sums: Float64Array,
  out: Float32Array,
  offset: number,
): void {
  const { values, dimensions } = table;
  sums.fill(0);
  for (const id of ids) {
    const row = id * dimensions;
    for (let j = 0; j < dimensions; j++) sums[j] = (sums[j] ?? 0) + (values[row + j] ?? 0);
  }
  let squares = 0;
  for (const sum of sums) squares += sum * sum;
  // The mean's divisor cancels in the norm.
  const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
  for (let j = 0; j < dimensions; j++) out[offset + j] = (sums[j] ?? 0) * scale;
}
