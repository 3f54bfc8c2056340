import { lanesAdded, tileRows } from './multiplication.js';
import type { TileMemory } from './tile-memory.js';
import { type Code, valueType, type WasmFunction, wasm } from './wasm-assembly.js';

/**
 * Replaces a tile by its powers of two: t[r][c] becomes 2^min(0, t[r][c] - halvesOfA[r] - halvesOfB[c]).
 *
 * Addresses of the tile, of float32 halves for its rows and columns, and of float32 sums for its rows; as many columns as are asked
 * for, up to a multiple of 4, are written and summed. Relative error 2e-7; exactly 1 for 0; never under 2^-126.
 */
export type Exponentials = (
  tile: number,
  halvesOfA: number,
  halvesOfB: number,
  sums: number,
  rows: number,
  columns: number,
) => void;

/** Interpolates 2^f at Chebyshev nodes over [-1/2, 1/2], with a relative error of 1e-8 in float32. */
const coefficients = [
  1, 0.693147188026, 0.240226507606, 0.0555035711422, 0.00961808255729, 0.00133908633647, 0.000154531629349,
];
const least = -126;
/** Added to a small number, it leaves that, rounded to an integer, in the lowest bits. */
const rounding = 1.5 * 2 ** 23;

/** See `Exponentials`; plain loops where the memory has no SIMD. */
export function exponentials(memory: TileMemory<string>): Exponentials {
  if (!memory.simd) return plain(memory.numbers);
  const run = memory.compile('exponentials', powers);
  return (tile, halvesOfA, halvesOfB, sums, rows, columns) =>
    run(tile, halvesOfA, halvesOfB, sums, rows, Math.ceil(columns / 4));
}

function plain(memory: Float32Array): Exponentials {
  return (tile, halvesOfA, halvesOfB, sums, rows, columns) => {
    for (let r = 0; r < rows; r++) {
      const half = memory[halvesOfA / 4 + r] ?? 0;
      let sum = 0;
      for (let c = 0; c < 4 * Math.ceil(columns / 4); c++) {
        const at = tile / 4 + r * tileRows + c;
        const power = Math.min(0, (memory[at] ?? 0) - (half + (memory[halvesOfB / 4 + c] ?? 0)));
        const value = Math.exp(Math.max(power, least) * Math.LN2);
        memory[at] = value;
        sum += value;
      }
      memory[sums / 4 + r] = sum;
    }
  };
}

/** `run(tile, halves of a, halves of b, sums, rows, fours of columns)`. */
function powers(): WasmFunction {
  const { get, set, number, add, subtract, repeatWhile, four, addFour, subtractFour, multiplyFour } = wasm;
  const [tile, halvesOfA, halvesOfB, sums, rows, fours, at, atHalf, left] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const [half, power, rounded, value, sum] = [9, 10, 11, 12, 13];
  const advance = (local: number, by: number): Code => set(local, add(get(local), number(by)));
  const below = subtractFour(wasm.loadFour(get(at), 0), addFour(get(half), wasm.loadFour(get(atHalf), 0)));
  const fraction = get(power);
  const [highest = 0, ...others] = coefficients.toReversed();
  const polynomial = others.reduce<Code>((code, c) => addFour(multiplyFour(code, fraction), four(c)), four(highest));
  // the integer becomes the exponent of a float32
  const scale = wasm.addFourIntegers(wasm.shiftFourLeft(get(rounded), 23), wasm.fourIntegers(127 << 23));
  const step = [
    set(power, wasm.greaterFour(wasm.lesserFour(below, wasm.zeroFour()), four(least))),
    set(rounded, addFour(get(power), four(rounding))),
    set(power, subtractFour(get(power), subtractFour(get(rounded), four(rounding)))),
    set(value, multiplyFour(polynomial, scale)),
    wasm.storeFour(get(at), 0, get(value)),
    set(sum, addFour(get(sum), get(value))),
    advance(at, 16),
    advance(atHalf, 16),
    set(left, subtract(get(left), number(1))),
  ];
  const row = [
    set(half, wasm.loadRepeated(get(halvesOfA), 0)),
    set(sum, wasm.zeroFour()),
    set(at, get(tile)),
    set(atHalf, get(halvesOfB)),
    set(left, get(fours)),
    repeatWhile(step, get(left)),
    wasm.storeFloat(get(sums), 0, lanesAdded(get(sum))),
    advance(halvesOfA, 4),
    advance(tile, 4 * tileRows),
    advance(sums, 4),
    set(rows, subtract(get(rows), number(1))),
  ];
  return {
    name: 'run',
    parameters: 6,
    locals: [
      [3, valueType.i32],
      [5, valueType.v128],
    ],
    body: repeatWhile(row, get(rows)),
  };
}
