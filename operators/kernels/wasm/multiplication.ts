import type { TileMemory } from './tile-memory.js';
import { type Code, valueType, type WasmFunction, wasm } from './wasm-assembly.js';

/** Rows of each side of a tile at most. */
export const tileRows = 64;

/** Rows of `a` and of `b` that are multiplied together in registers. */
const blockA = 4;
const blockB = 2;

/** Rows that may be read beyond the last one of a range. */
export const sparesOfRows = blockA;

/** What is summed up over two rows: their products, or minus their squared differences, which never cancel. */
export type Term = 'product' | 'difference';

/**
 * Writes a tile to `out`, at `[r * tileRows + c]`, from rows at the addresses `a` and `b`, over their first `numbers` numbers,
 * which are a multiple of 4. Up to three rows and one column more than asked for are written.
 */
export type Multiply = (a: number, b: number, out: number, numbers: number, rows: number, columns: number) => void;

/**
 * Products of rows of `stride` numbers, a multiple of 4, in a memory.
 *
 * float32, summed in an order that depends on the count of numbers alone; plain loops sum in float64.
 */
export function multiplication(memory: TileMemory<string>, stride: number, term: Term = 'product'): Multiply {
  if (!memory.simd) return plain(memory.numbers, stride, term);
  const run = memory.compile(`${term} ${stride}`, () => blocks(stride, term));
  return (a, b, out, numbers, rows, columns) =>
    run(a, b, out, 4 * numbers, Math.ceil(rows / blockA), Math.ceil(columns / blockB));
}

function plain(memory: Float32Array, stride: number, term: Term): Multiply {
  const sum = term === 'product' ? productOf : differenceOf;
  return (a, b, out, numbers, rows, columns) => {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        memory[out / 4 + r * tileRows + c] = sum(memory, a / 4 + r * stride, b / 4 + c * stride, numbers);
      }
    }
  };
}

function productOf(memory: Float32Array, a: number, b: number, numbers: number): number {
  let even = 0;
  let odd = 0;
  // two sums, so that an addition need not wait for the one before
  for (let k = 0; k < numbers; k += 2) {
    even += (memory[a + k] ?? 0) * (memory[b + k] ?? 0);
    odd += (memory[a + k + 1] ?? 0) * (memory[b + k + 1] ?? 0);
  }
  return even + odd;
}

function differenceOf(memory: Float32Array, a: number, b: number, numbers: number): number {
  let sum = 0;
  for (let k = 0; k < numbers; k++) sum += ((memory[a + k] ?? 0) - (memory[b + k] ?? 0)) ** 2;
  return -sum;
}

/** `run(a, b, out, bytes of a row, blocks of a, blocks of b)`. */
function blocks(stride: number, term: Term): WasmFunction {
  const { get, set, number, add, subtract, isBelow, repeatWhile, storeFloat } = wasm;
  const [a, b, out, bytes, blocksOfA, blocksOfB, bRow, outRow, left, atA, atB, end] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  ];
  const sums = 12;
  const loaded = sums + blockA * blockB;
  const difference = loaded + blockA + blockB;
  const rowBytes = 4 * stride;
  const outBytes = 4 * tileRows;
  const pairs = range(blockA).flatMap((r) => range(blockB).map((c) => [r, c] as const));
  const sumOf = (r: number, c: number) => sums + r * blockB + c;
  const advance = (local: number, by: number): Code => set(local, add(get(local), number(by)));
  const take = (r: number, c: number): Code => {
    const [x, y, sum] = [get(loaded + r), get(loaded + blockA + c), sumOf(r, c)];
    if (term === 'product') return set(sum, wasm.addFour(get(sum), wasm.multiplyFour(x, y)));
    const square = wasm.multiplyFour(get(difference), get(difference));
    return [set(difference, wasm.subtractFour(x, y)), set(sum, wasm.subtractFour(get(sum), square))];
  };
  const step = [
    range(blockA).map((r) => set(loaded + r, wasm.loadFour(get(atA), r * rowBytes))),
    range(blockB).map((c) => set(loaded + blockA + c, wasm.loadFour(get(atB), c * rowBytes))),
    pairs.map(([r, c]) => take(r, c)),
    advance(atA, 16),
    advance(atB, 16),
  ];
  const block = [
    pairs.map(([r, c]) => set(sumOf(r, c), wasm.zeroFour())),
    set(atA, get(a)),
    set(atB, get(bRow)),
    set(end, add(get(a), get(bytes))),
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
  return {
    name: 'run',
    parameters: 6,
    locals: [
      [6, valueType.i32],
      [blockA * blockB + blockA + blockB + 1, valueType.v128],
    ],
    body: repeatWhile(rows, get(blocksOfA)),
  };
}

/** The sum of four float32. */
export function lanesAdded(four: Code): Code {
  const { addFloats, lane } = wasm;
  return addFloats(addFloats(lane(four, 0), lane(four, 1)), addFloats(lane(four, 2), lane(four, 3)));
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
