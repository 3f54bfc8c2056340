import type { Points } from '../points.js';
import { type KernelTiles, kernelTiles } from '../wasm/kernel-tiles.js';
import { tileRows } from '../wasm/multiplication.js';
import type { SimdOption } from '../wasm/tile-memory.js';
import type { KernelChoice } from './kernel.js';
import { checkWeights } from './mmd.js';

/** Told after each stripe of rows, with the share of the work that is done. */
export type Progress = (share: number) => void;

export interface GramOptions extends SimdOption {
  readonly progress?: Progress;
}

/**
 * The Gram matrix: k(a_i, b_j) at `[i * b.size + j]`, as `Float32Array [a.size, b.size]`.
 *
 * Values as those of `kernelTiles`. Where `b` is `a`, half of it is computed and mirrored. O(sizes x dimensions), 4 bytes a value.
 */
export function gram(a: Points, b: Points, kernel: KernelChoice, options: GramOptions = {}): Float32Array {
  const matrix = new Float32Array(a.size * b.size);
  eachTile(a, b, kernel, options, ({ i, rows, j, columns, values }) => {
    for (let r = 0; r < rows; r++) {
      matrix.set(values.subarray(r * tileRows, r * tileRows + columns), (i + r) * b.size + j);
      if (a !== b || i === j) continue;
      for (let c = 0; c < columns; c++) matrix[(j + c) * b.size + i + r] = values[r * tileRows + c] ?? 0;
    }
  });
  return matrix;
}

export interface RowSumsOptions extends GramOptions {
  /** Of the points of `b`: `Float64Array [b.size]`. @default 1 each */
  readonly weights?: Float64Array;
}

/**
 * The sum of w_j k(a_i, b_j) over j, for each point of `a`: `Float64Array [a.size]`.
 *
 * Kernel values are float32, their sums float64. O(sizes x dimensions), half of it where `b` is `a`; memory is that of `kernelTiles`.
 */
export function kernelRowSums(
  a: Points,
  b: Points,
  kernel: KernelChoice,
  { weights, ...options }: RowSumsOptions = {},
): Float64Array {
  if (weights !== undefined) checkWeights(weights, b.size);
  const sums = new Float64Array(a.size);
  eachTile(a, b, kernel, options, ({ i, rows, j, columns, values }) => {
    const mirrored = a === b && i !== j;
    for (let r = 0; r < rows; r++) {
      const weight = weights?.[i + r] ?? 1;
      let sum = 0;
      for (let c = 0; c < columns; c++) {
        const value = values[r * tileRows + c] ?? 0;
        sum += value * (weights?.[j + c] ?? 1);
        if (mirrored) sums[j + c] = (sums[j + c] ?? 0) + value * weight;
      }
      sums[i + r] = (sums[i + r] ?? 0) + sum;
    }
  });
  return sums;
}

/** The sum of k(a_i, b_j) over all pairs, also of a point with itself; as `kernelRowSums`, and faster. */
export function kernelSum(
  a: Points,
  b: Points,
  kernel: KernelChoice,
  { progress, ...options }: GramOptions = {},
): number {
  const tiles = kernelTiles(a, b, kernel, options);
  let total = 0;
  eachPlace(a, b, progress, (i, rows, j, columns) => {
    const sum = tiles.sum(i, rows, j, columns);
    total += a === b && i !== j ? 2 * sum : sum;
  });
  return total;
}

interface Tile {
  readonly i: number;
  readonly rows: number;
  readonly j: number;
  readonly columns: number;
  readonly values: ReturnType<KernelTiles['tile']>;
}

function eachTile(
  a: Points,
  b: Points,
  kernel: KernelChoice,
  { progress, ...options }: GramOptions,
  visit: (tile: Tile) => void,
): void {
  const tiles = kernelTiles(a, b, kernel, options);
  eachPlace(a, b, progress, (i, rows, j, columns) =>
    visit({ i, rows, j, columns, values: tiles.tile(i, rows, j, columns) }),
  );
}

/** All tiles of the matrix; where `b` is `a`, those on the diagonal and right of it. */
function eachPlace(
  a: Points,
  b: Points,
  progress: Progress | undefined,
  visit: (i: number, rows: number, j: number, columns: number) => void,
): void {
  for (let i = 0; i < a.size; i += tileRows) {
    const rows = Math.min(tileRows, a.size - i);
    for (let j = a === b ? i : 0; j < b.size; j += tileRows) visit(i, rows, j, Math.min(tileRows, b.size - j));
    const rest = (a.size - i - rows) / a.size;
    progress?.(1 - (a === b ? rest ** 2 : rest));
  }
}
