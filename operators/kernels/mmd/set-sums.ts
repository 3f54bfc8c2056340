import { rowProducts } from '../wasm/dot-tiles.js';
import type { KernelTiles } from '../wasm/kernel-tiles.js';
import { tileRows } from '../wasm/multiplication.js';
import type { SimdOption } from '../wasm/tile-memory.js';
import type { Progress } from './gram.js';

/** Kernel sums of sets of points. */
export interface SetSums {
  /** Over the pairs i != j of a set, each counted both ways: `Float64Array [sets]`. */
  readonly within: Float64Array;
  /** Over the pairs of a point of the set and any other point at all: `Float64Array [sets]`. */
  readonly touching: Float64Array;
  /** Over all pairs i != j, each counted both ways. */
  readonly total: number;
}

export interface SetSumsOptions extends SimdOption {
  /** Points that the tiles are over. */
  readonly size: number;
  readonly sets: number;
  /** The points of a set; asked for once each, in order. */
  readonly membersOf: (set: number) => Iterable<number>;
  /** The greatest absolute value of the kernel, or more. Values are rounded to 2^-18 of it, or of the next power of two. */
  readonly greatest: number;
  readonly progress?: Progress;
}

/** Multiples of a power of two, up to as many of it, of which 64 have an exact sum in float32. */
const steps = 2 ** 24 / tileRows;

/**
 * Sums of a kernel over many sets of the same points: each value is computed once, for all sets, and none is kept.
 *
 * Values are rounded so that all sums are exact, in whatever order: sets of equal points have equal sums, bit for bit. A tile of the
 * matrix, right of its diagonal, is multiplied by the sets' indicators. O(size^2 sets / 2) beside the kernel; memory of
 * `setBytes` for each set.
 */
export function setSums(tiles: KernelTiles, options: SetSumsOptions): SetSums {
  const { size, sets, membersOf, greatest, progress, ...simd } = options;
  const blocks = Math.ceil(size / tileRows);
  const products = rowProducts({ rowsOfA: blocks * sets, rowsOfB: tileRows, stride: tileRows }, simd);
  const { a: indicators, b: rounded } = products;
  const placeOf = (set: number, block: number) => (block * sets + set) * tileRows;
  for (let set = 0; set < sets; set++) {
    for (const point of membersOf(set)) {
      indicators[placeOf(set, Math.floor(point / tileRows)) + (point % tileRows)] = 1;
    }
  }
  const round = rounding(greatest);
  const rowSums = new Float64Array(blocks * tileRows);
  const within = new Float64Array(sets);
  for (let i = 0; i < size; i += tileRows) {
    const rows = Math.min(tileRows, size - i);
    for (let j = i; j < size; j += tileRows) {
      const columns = Math.min(tileRows, size - j);
      fill(tiles.tile(i, rows, j, columns), i, rows, j, columns);
      for (let set = 0; set < sets; set += tileRows) {
        const count = Math.min(tileRows, sets - set);
        const found = products.tile((j / tileRows) * sets + set, count, 0, rows);
        for (let s = 0; s < count; s++) take(found, s, rows, set + s, i / tileRows);
      }
    }
    progress?.(1 - ((size - i - rows) / size) ** 2);
  }
  const touching = Float64Array.from({ length: sets }, (_, set) => sumOfRows(set));
  return { within, touching, total: rowSums.reduce((sum, value) => sum + value, 0) };

  /** Rounds a tile, but for the diagonal and what is left of it, and adds it to the sums of its rows and of its columns. */
  function fill(values: Float32Array, i: number, rows: number, j: number, columns: number): void {
    for (let r = 0; r < rows; r++) {
      const place = r * tileRows;
      const first = i === j ? r + 1 : 0;
      rounded.fill(0, place, place + first);
      let sum = 0;
      for (let c = first; c < columns; c++) {
        const value = (values[place + c] ?? 0) + round - round;
        rounded[place + c] = value;
        sum += value;
        rowSums[j + c] = (rowSums[j + c] ?? 0) + value;
      }
      rowSums[i + r] = (rowSums[i + r] ?? 0) + sum;
    }
  }

  function take(found: Float32Array, row: number, rows: number, set: number, block: number): void {
    const place = placeOf(set, block);
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += (found[row * tileRows + r] ?? 0) * (indicators[place + r] ?? 0);
    within[set] = (within[set] ?? 0) + 2 * sum;
  }

  function sumOfRows(set: number): number {
    let sum = 0;
    for (let block = 0; block < blocks; block++) {
      const place = placeOf(set, block);
      for (let r = 0; r < tileRows; r++) sum += (indicators[place + r] ?? 0) * (rowSums[block * tileRows + r] ?? 0);
    }
    return sum;
  }
}

/** Memory of a set over so many points. */
export function setBytes(size: number): number {
  return 4 * tileRows * Math.ceil(size / tileRows);
}

/** A number that rounds a value of float64 when it is added and taken off again. */
function rounding(greatest: number): number {
  const unit = 2 ** Math.ceil(Math.log2(greatest)) / steps;
  return 1.5 * 2 ** 52 * unit;
}
