import type { Points } from '../points.js';
import { multiplication, sparesOfRows, tileRows } from './multiplication.js';
import { type SimdOption, tileMemory } from './tile-memory.js';

/**
 * Dot products of all points of one set with all of another, a tile at a time, by SIMD in WebAssembly.
 *
 * Products are float32, summed in an order that depends on the dimensions alone: the same two vectors give the same
 * product wherever they stand, on every machine with SIMD. The error is about 1e-7 x sqrt(dimensions) for unit vectors. Holds
 * both sets as float32, in rows padded to 4 numbers, or one where `b` is `a`. Throws `TypeError` where the dimensions differ.
 *
 * @example
 * ```ts
 * const tiles = dotTiles(real, synthetic);
 * const products = tiles.tile(0, 64, 128, 32); // product of row 2 and row 128 + 5 at [2 * tileRows + 5]
 * ```
 */
export function dotTiles(a: Points, b: Points, options: SimdOption = {}): DotTiles {
  if (a.dimensions !== b.dimensions) {
    throw new TypeError(`points: expected equal dimensions, got ${a.dimensions} and ${b.dimensions}`);
  }
  const stride = 4 * Math.ceil(a.dimensions / 4);
  const rows = rowProducts({ rowsOfA: a.size, rowsOfB: a === b ? 0 : b.size, stride }, options);
  copyRows(a, rows.a, stride);
  if (a !== b) copyRows(b, rows.b, stride);
  return { tile: rows.tile };
}

export interface DotTiles {
  /**
   * The products of `rows` points of `a` from `i` with `columns` points of `b` from `j`, each at most `tileRows`: that of
   * `i + r` and `j + c` at `[r * tileRows + c]`. The array is the same at each call, and the next call overwrites it.
   */
  tile(i: number, rows: number, j: number, columns: number): Float32Array;
}

export interface RowProductsOptions {
  readonly rowsOfA: number;
  /** None where the rows of `a` meet each other. */
  readonly rowsOfB: number;
  /** Numbers in a row, a multiple of 4. */
  readonly stride: number;
}

/** Rows that the caller writes, and may write again, and their products. */
export interface RowProducts {
  /** `Float32Array [rowsOfA and some spare ones, stride]`, zeros at first. */
  readonly a: Float32Array;
  /** `Float32Array [rowsOfB and some spare ones, stride]`; the array `a` itself where there are none of `b`. */
  readonly b: Float32Array;
  /** As `DotTiles.tile`, over the numbers of each row in [`from`, `to`), which are multiples of 4 (default: all). */
  tile(i: number, rows: number, j: number, columns: number, from?: number, to?: number): Float32Array;
}

/**
 * Products of rows with rows, for callers that make the rows themselves; see `dotTiles`.
 *
 * Throws `TypeError` for a `stride` that is no multiple of 4, `RangeError` beyond 4 GiB.
 */
export function rowProducts({ rowsOfA, rowsOfB, stride }: RowProductsOptions, options: SimdOption = {}): RowProducts {
  if (!(Number.isInteger(stride / 4) && stride > 0)) {
    throw new TypeError(`stride: expected a multiple of 4, got ${stride}`);
  }
  const lengths = {
    out: tileRows * tileRows,
    a: (rowsOfA + sparesOfRows) * stride,
    b: rowsOfB === 0 ? 0 : (rowsOfB + sparesOfRows) * stride,
  };
  const memory = tileMemory(lengths, options);
  const [out, a] = [memory.array('out'), memory.array('a')];
  const b = rowsOfB === 0 ? a : memory.array('b');
  const sizeOfB = rowsOfB === 0 ? rowsOfA : rowsOfB;
  const multiply = multiplication(memory, stride);
  const addressOf = (array: Float32Array, row: number, from: number) => array.byteOffset + 4 * (row * stride + from);
  return {
    a,
    b,
    tile: (i, rows, j, columns, from = 0, to = stride) => {
      checkRange(i, rows, rowsOfA);
      checkRange(j, columns, sizeOfB);
      multiply(addressOf(a, i, from), addressOf(b, j, from), out.byteOffset, to - from, rows, columns);
      return out;
    },
  };
}

function copyRows({ data, size, dimensions }: Points, into: Float32Array, stride: number): void {
  for (let row = 0; row < size; row++) {
    into.set(data.subarray(row * dimensions, (row + 1) * dimensions), row * stride);
  }
}

/** Throws `RangeError` unless `count` rows from `from` are a tile's of `size`. */
export function checkRange(from: number, count: number, size: number): void {
  const isRow = Number.isInteger(from) && Number.isInteger(count) && from >= 0;
  if (isRow && count >= 1 && count <= tileRows && from + count <= size) return;
  throw new RangeError(`a tile has 1 to ${tileRows} rows of ${size}, not ${count} from ${from}`);
}
