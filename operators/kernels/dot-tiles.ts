import type { Points } from './points.js';
import { type Code, moduleBytes, valueType, wasm } from './wasm-assembly.js';

/** Rows of each side of a tile at most. */
export const tileRows = 64;

/** Rows of `a` and of `b` that are multiplied together in registers. */
const blockA = 4;
const blockB = 2;
const pageBytes = 64 * 1024;

/** What this file uses of the global, which Node's types leave out. */
declare const WebAssembly: {
  readonly Memory: new (limits: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: unknown } },
  ) => { readonly exports: Readonly<Record<string, unknown>> };
};

/**
 * Dot products of all points of one set with all of another, a tile at a time, by SIMD in WebAssembly.
 *
 * Products are float32, summed in an order that depends on the dimensions alone: the same two vectors give the same
 * product wherever they stand, on every machine. The error is about 1e-7 x sqrt(dimensions) for unit vectors. Holds
 * both sets as float32, in rows padded to 4 numbers, or one where `b` is `a`. Throws `TypeError` where the dimensions differ.
 *
 * @example
 * ```ts
 * const tiles = dotTiles(real, synthetic);
 * const products = tiles.tile(0, 64, 128, 32); // product of row 2 and row 128 + 5 at [2 * tileRows + 5]
 * ```
 */
export function dotTiles(a: Points, b: Points): DotTiles {
  if (a.dimensions !== b.dimensions) {
    throw new TypeError(`points: expected equal dimensions, got ${a.dimensions} and ${b.dimensions}`);
  }
  const stride = 4 * Math.ceil(a.dimensions / 4);
  const outNumbers = tileRows * tileRows;
  const aNumbers = paddedRows(a.size) * stride;
  const bNumbers = a === b ? 0 : paddedRows(b.size) * stride;
  const bytes = 4 * (outNumbers + aNumbers + bNumbers);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
  copyRows(a, new Float32Array(memory.buffer, 4 * outNumbers, aNumbers), stride);
  if (a !== b) copyRows(b, new Float32Array(memory.buffer, 4 * (outNumbers + aNumbers), bNumbers), stride);
  const module = new WebAssembly.Module(multiplication(stride));
  const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  if (typeof run !== 'function') throw new TypeError('the compiled multiplication has no function');

  const out = new Float32Array(memory.buffer, 0, outNumbers);
  const startOfA = 4 * outNumbers;
  const startOfB = a === b ? startOfA : startOfA + 4 * aNumbers;
  return {
    tile: (i, rows, j, columns) => {
      checkRange(i, rows, a.size);
      checkRange(j, columns, b.size);
      run(startOfA + 4 * stride * i, startOfB + 4 * stride * j, Math.ceil(rows / blockA), Math.ceil(columns / blockB));
      return out;
    },
  };
}

export interface DotTiles {
  /**
   * The products of `rows` points of `a` from `i` with `columns` points of `b` from `j`, each at most `tileRows`: that of
   * `i + r` and `j + c` at `[r * tileRows + c]`. The array is the same at each call, and the next call overwrites it.
   */
  tile(i: number, rows: number, j: number, columns: number): Float32Array;
}

/** As many rows as blocks may read: the last block of any range stays within. */
function paddedRows(size: number): number {
  return size + blockA;
}

function copyRows({ data, size, dimensions }: Points, into: Float32Array, stride: number): void {
  for (let row = 0; row < size; row++) {
    into.set(data.subarray(row * dimensions, (row + 1) * dimensions), row * stride);
  }
}

function checkRange(from: number, count: number, size: number): void {
  const isRow = Number.isInteger(from) && Number.isInteger(count) && from >= 0;
  if (isRow && count >= 1 && count <= tileRows && from + count <= size) return;
  throw new RangeError(`a tile has 1 to ${tileRows} rows of ${size}, not ${count} from ${from}`);
}

/** For rows of `stride` numbers: `run(a, b, blocks of a, blocks of b)` writes the products to the memory's start. */
function multiplication(stride: number): Uint8Array<ArrayBuffer> {
  const { get, set, number, add, subtract, isBelow, repeatWhile, storeFloat } = wasm;
  const [a, b, blocksOfA, blocksOfB, out, bRow, outRow, left, atA, atB, end] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const sums = 11;
  const loaded = sums + blockA * blockB;
  const rowBytes = 4 * stride;
  const outBytes = 4 * tileRows;
  const pairs = pairsOf(blockA, blockB);
  const sumOf = (r: number, c: number) => sums + r * blockB + c;
  const advance = (local: number, by: number): Code => set(local, add(get(local), number(by)));
  const step = [
    range(blockA).map((r) => set(loaded + r, wasm.loadFour(get(atA), r * rowBytes))),
    range(blockB).map((c) => set(loaded + blockA + c, wasm.loadFour(get(atB), c * rowBytes))),
    pairs.map(([r, c]) => {
      const product = wasm.multiplyFour(get(loaded + r), get(loaded + blockA + c));
      return set(sumOf(r, c), wasm.addFour(get(sumOf(r, c)), product));
    }),
    advance(atA, 16),
    advance(atB, 16),
  ];
  const block = [
    pairs.map(([r, c]) => set(sumOf(r, c), wasm.zeroFour())),
    set(atA, get(a)),
    set(atB, get(bRow)),
    set(end, add(get(a), number(rowBytes))),
    repeatWhile(step, isBelow(get(atA), get(end))),
    pairs.map(([r, c]) => storeFloat(get(outRow), r * outBytes + 4 * c, lanesAdded(get(sumOf(r, c))))),
    advance(bRow, blockB * rowBytes),
    advance(outRow, 4 * blockB),
    set(left, subtract(get(left), number(1))),
  ];
  const rows = [
    set(bRow, get(b)),
    set(outRow, get(out)),
    set(left, get(blocksOfB)),
    repeatWhile(block, get(left)),
    advance(a, blockA * rowBytes),
    advance(out, blockA * outBytes),
    set(blocksOfA, subtract(get(blocksOfA), number(1))),
  ];
  const locals = [[7, valueType.i32] as const, [blockA * blockB + blockA + blockB, valueType.v128] as const];
  return moduleBytes(4, locals, repeatWhile(rows, get(blocksOfA)));
}

function lanesAdded(four: Code): Code {
  const { addFloats, lane } = wasm;
  return addFloats(addFloats(lane(four, 0), lane(four, 1)), addFloats(lane(four, 2), lane(four, 3)));
}

function pairsOf(rows: number, columns: number): readonly (readonly [row: number, column: number])[] {
  return range(rows).flatMap((r) => range(columns).map((c) => [r, c] as const));
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
