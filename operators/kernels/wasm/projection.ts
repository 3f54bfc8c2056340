import { lanesAdded } from './multiplication.js';
import { type SimdOption, type TileMemory, tileMemory } from './tile-memory.js';
import { type Code, valueType, type WasmFunction, wasm } from './wasm-assembly.js';

/** Rows of a matrix that vectors are multiplied with, a batch of vectors at a time. */
export interface Projection {
  /** Vectors that are multiplied at once at most. */
  readonly batch: number;
  /** Numbers from the start of one vector to that of the next: the dimensions, rounded up to a multiple of 4. */
  readonly stride: number;
  /** Numbers from the products of one vector to those of the next: the rows, rounded up to a multiple of 8. */
  readonly rows: number;
  /** The rows, which may be written anew: `Float32Array [rows, stride]`; zeros belong beyond the dimensions. */
  readonly matrix: Float32Array;
  /** Where the vectors are put before a run: `Float32Array [batch, stride]`; zeros belong beyond the dimensions. */
  readonly vectors: Float32Array;
  /** Where the products are after a run: `Float32Array [batch, rows]`. */
  readonly products: Float32Array;
  /** Multiplies the first `count` vectors. */
  run(count: number): void;
}

/** Few enough that they and a block of rows stay in the nearest cache. */
const batch = 16;
/** Rows whose sums are held in registers together. */
const block = 8;

/**
 * Dot products of vectors with the rows of a matrix `[rows, dimensions]`, by SIMD in WebAssembly where there is any.
 *
 * float32: four partial sums a product, number i in sum i mod 4, added as (0 + 1) + (2 + 3), each step rounded. Without SIMD the
 * same steps are made in TypeScript, so that the products are the same to the last bit on every machine; that is several times
 * slower. The error is about 1e-7 x sqrt(dimensions) for a unit vector and a row of standard normals.
 */
export function projection(matrix: Float32Array, dimensions: number, options: SimdOption = {}): Projection {
  const filled = matrix.length / dimensions;
  const stride = 4 * Math.ceil(dimensions / 4);
  const rows = block * Math.ceil(filled / block);
  const memory = tileMemory({ matrix: rows * stride, vectors: batch * stride, products: batch * rows }, options);
  const laidOut = memory.array('matrix');
  for (let row = 0; row < filled; row++) {
    laidOut.set(matrix.subarray(row * dimensions, (row + 1) * dimensions), row * stride);
  }
  const run = memory.simd ? compiled(memory, stride, rows) : plain(memory, stride, rows);
  const [vectors, products] = [memory.array('vectors'), memory.array('products')];
  return { batch, stride, rows, matrix: laidOut, vectors, products, run };
}

type Memory = TileMemory<'matrix' | 'vectors' | 'products'>;

function arraysOf(memory: Memory) {
  return [memory.array('matrix'), memory.array('vectors'), memory.array('products')] as const;
}

function compiled(memory: Memory, stride: number, rows: number): (count: number) => void {
  const run = memory.compile(`projection ${stride} ${rows}`, () => blocks(stride, rows));
  const [matrix, vectors, products] = arraysOf(memory);
  return (count) => run(matrix.byteOffset, vectors.byteOffset, products.byteOffset, rows / block, count);
}

/** `run(matrix, vectors, products, blocks of rows, vectors)`: all vectors with one block of rows, then with the next. */
function blocks(stride: number, rows: number): WasmFunction {
  const { get, set, number, add, subtract, isBelow, repeatWhile, storeFloat } = wasm;
  const [matrix, vectors, products, blocksLeft, count, row, vector, out, left, end] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const sums = 10;
  const loaded = sums + block;
  const rowBytes = 4 * stride;
  const range = Array.from({ length: block }, (_, r) => r);
  const advance = (local: number, by: number): Code => set(local, add(get(local), number(by)));
  const step = [
    set(loaded, wasm.loadFour(get(vector), 0)),
    range.map((r) => {
      const product = wasm.multiplyFour(wasm.loadFour(get(row), r * rowBytes), get(loaded));
      return set(sums + r, wasm.addFour(get(sums + r), product));
    }),
    advance(row, 16),
    advance(vector, 16),
  ];
  const oneVector = [
    range.map((r) => set(sums + r, wasm.zeroFour())),
    set(row, get(matrix)),
    set(end, add(get(matrix), number(rowBytes))),
    repeatWhile(step, isBelow(get(row), get(end))),
    range.map((r) => storeFloat(get(out), 4 * r, lanesAdded(get(sums + r)))),
    advance(out, 4 * rows),
    set(left, subtract(get(left), number(1))),
  ];
  const oneBlock = [
    set(vector, get(vectors)),
    set(out, get(products)),
    set(left, get(count)),
    repeatWhile(oneVector, get(left)),
    advance(matrix, block * rowBytes),
    advance(products, 4 * block),
    set(blocksLeft, subtract(get(blocksLeft), number(1))),
  ];
  const locals = [[5, valueType.i32] as const, [block + 1, valueType.v128] as const];
  return { name: 'run', parameters: 5, locals, body: repeatWhile(oneBlock, get(blocksLeft)) };
}

function plain(memory: Memory, stride: number, rows: number): (count: number) => void {
  const [matrix, vectors, products] = arraysOf(memory);
  return (count) => {
    for (let vector = 0; vector < count; vector++) {
      for (let row = 0; row < rows; row++) {
        products[vector * rows + row] = product(matrix, row * stride, vectors, vector * stride, stride);
      }
    }
  };
}

/** Rounded after each step: a float32 sum made in float64 and rounded is the float32 sum. */
function product(a: Float32Array, from: number, b: Float32Array, to: number, length: number): number {
  const { fround } = Math;
  let s0 = fround(0);
  let s1 = fround(0);
  let s2 = fround(0);
  let s3 = fround(0);
  for (let i = 0; i < length; i += 4) {
    s0 = fround(s0 + fround((a[from + i] ?? 0) * (b[to + i] ?? 0)));
    s1 = fround(s1 + fround((a[from + i + 1] ?? 0) * (b[to + i + 1] ?? 0)));
    s2 = fround(s2 + fround((a[from + i + 2] ?? 0) * (b[to + i + 2] ?? 0)));
    s3 = fround(s3 + fround((a[from + i + 3] ?? 0) * (b[to + i + 3] ?? 0)));
  }
  return fround(fround(s0 + s1) + fround(s2 + s3));
}
