import { type Kernel, type KernelChoice, kernelFrom } from '../mmd/kernel.js';
import { checkDimensions } from '../mmd/rbf.js';
import type { Points } from '../points.js';
import { checkRange } from './dot-tiles.js';
import { exponentials } from './exponentials.js';
import { multiplication, sparesOfRows, type Term, tileRows } from './multiplication.js';
import { type SimdOption, tileMemory } from './tile-memory.js';

/** Values of a kernel for all points of one set with all of another, a tile at a time. */
export interface KernelTiles {
  /**
   * The values for `rows` points of `a` from `i` with `columns` points of `b` from `j`, each at most `tileRows`: that of
   * `i + r` and `j + c` at `[r * tileRows + c]`. The array is the same at each call, and the next call overwrites it.
   */
  tile(i: number, rows: number, j: number, columns: number): Float32Array;
  /** The sum of a tile's values. */
  sum(i: number, rows: number, j: number, columns: number): number;
}

/** Up to this exponent, products are exact enough; distances beyond, which take half as long again. */
const greatestHalf = 4;

/**
 * Kernel values in tiles of 64 by 64, by SIMD in WebAssembly.
 *
 * float32; values of the RBF kernel are within 1e-6 of those in float64, or 1e-7 x the farthest point's distance from the centre / the
 * bandwidth where that is more, and exactly 1 for equal points; those of the linear kernel within 1e-6 x the greatest squared norm. Holds both sets as float32 in rows padded to 4 numbers, or one where `b` is `a`.
 * Throws `TypeError` for unequal dimensions, numbers that are not finite, and a kernel that there is not.
 *
 * @example
 * ```ts
 * const values = kernelTiles(real, synthetic, { name: 'rbf', bandwidth: 0.8 }).tile(0, 64, 128, 32);
 * ```
 */
export function kernelTiles(a: Points, b: Points, choice: KernelChoice, options: SimdOption = {}): KernelTiles {
  checkDimensions(a, b);
  const kernel = kernelFrom(choice);
  const shared = a === b;
  const stride = 4 * Math.ceil(a.dimensions / 4);
  const rowsOf = (points: Points) => points.size + sparesOfRows;
  const lengths = {
    values: tileRows * tileRows,
    sums: tileRows,
    a: rowsOf(a) * stride,
    halvesOfA: rowsOf(a),
    b: shared ? 0 : rowsOf(b) * stride,
    halvesOfB: shared ? 0 : rowsOf(b),
  };
  const memory = tileMemory(lengths, options);
  const { numbers } = memory;
  const [values, sums] = [memory.array('values'), memory.array('sums')];
  const left = { points: a, rows: memory.array('a'), halves: memory.array('halvesOfA') };
  const right = shared ? left : { points: b, rows: memory.array('b'), halves: memory.array('halvesOfB') };
  const sides: readonly [Side, ...Side[]] = shared ? [left] : [left, right];
  const term = placed(sides, stride, kernel);
  const multiply = multiplication(memory, stride, term);
  const raise = kernel.name === 'rbf' ? exponentials(memory) : null;
  const at = (array: Float32Array, index: number) => array.byteOffset + 4 * index;
  if (raise !== null && term === 'product') for (const side of sides) setHalves(side);

  function setHalves({ points, rows, halves }: Side): void {
    // by the same arithmetic as products, so that equal points are at distance 0
    for (let i = 0; i < points.size; i++) {
      multiply(at(rows, i * stride), at(rows, i * stride), values.byteOffset, stride, 1, 1);
      halves[i] = (numbers[values.byteOffset / 4] ?? 0) / 2;
    }
  }
  function tile(i: number, rows: number, j: number, columns: number): Float32Array {
    checkRange(i, rows, a.size);
    checkRange(j, columns, b.size);
    multiply(at(left.rows, i * stride), at(right.rows, j * stride), values.byteOffset, stride, rows, columns);
    raise?.(values.byteOffset, at(left.halves, i), at(right.halves, j), sums.byteOffset, rows, columns);
    return values;
  }
  function sum(i: number, rows: number, j: number, columns: number): number {
    tile(i, rows, j, columns);
    let total = 0;
    if (raise !== null && columns % 4 === 0) {
      for (let r = 0; r < rows; r++) total += sums[r] ?? 0;
      return total;
    }
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) total += values[r * tileRows + c] ?? 0;
    return total;
  }
  return { tile, sum };
}

interface Side {
  readonly points: Points;
  /** `Float32Array [size and some, stride]`. */
  readonly rows: Float32Array;
  /** Half the squared norm of each row. */
  readonly halves: Float32Array;
}

/**
 * Copies points into rows: for the RBF kernel about their centre, in units in which the exponents have base 2.
 *
 * Decides how exponents are made: as a.b - |a|^2 / 2 - |b|^2 / 2 where norms are small, otherwise as -|a - b|^2 of rows that are
 * shorter by the root of 2.
 */
function placed(sides: readonly [Side, ...Side[]], stride: number, kernel: Kernel): Term {
  const isRbf = kernel.name === 'rbf';
  const [{ points: first }] = sides;
  const centre = isRbf ? meanOf(first) : new Float64Array(first.dimensions);
  const factor = isRbf ? Math.sqrt(Math.LOG2E) / kernel.bandwidth : 1;
  const greatest = Math.max(...sides.map((side) => place(side, stride, centre, factor)));
  if (greatest === Number.POSITIVE_INFINITY) throw unfit(sides);
  if (!isRbf || greatest / 2 <= greatestHalf) return 'product';
  for (const side of sides) place(side, stride, centre, factor * Math.SQRT1_2);
  return 'difference';
}

/** Returns the greatest squared norm, infinite where float32 does not hold it. */
function place({ points, rows }: Side, stride: number, centre: Float64Array, factor: number): number {
  const { data, size, dimensions } = points;
  let greatest = 0;
  for (let i = 0; i < size; i++) {
    let squared = 0;
    for (let k = 0; k < dimensions; k++) {
      const value = ((data[i * dimensions + k] ?? 0) - (centre[k] ?? 0)) * factor;
      rows[i * stride + k] = value;
      squared += value * value;
    }
    // also where it is not a number
    if (!(squared < floatLimit)) return Number.POSITIVE_INFINITY;
    if (squared > greatest) greatest = squared;
  }
  return greatest;
}

/** Sums of products of more would not fit float32. */
const floatLimit = 2 ** 100;

/** Says which number it was that spoilt a row; the centre carries it to all rows. */
function unfit(sides: readonly Side[]): TypeError {
  for (const { points } of sides) {
    const at = points.data.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    const place = `point ${Math.floor(at / points.dimensions)}`;
    return new TypeError(`points: expected finite numbers, got ${points.data[at]} in ${place}`);
  }
  return new TypeError('points: expected numbers that float32 holds the squares of, in bandwidths; got greater ones');
}

function meanOf({ data, size, dimensions }: Points): Float64Array {
  const mean = new Float64Array(dimensions);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < dimensions; k++) mean[k] = (mean[k] ?? 0) + (data[i * dimensions + k] ?? 0) / size;
  }
  return mean;
}
