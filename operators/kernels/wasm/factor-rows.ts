import { squaredDistanceAt, type Vector } from '../vector-distance.js';
import { type SimdOption, simdIsSupported, type TileMemory, tileMemory } from './tile-memory.js';
import { type Code, valueType, type WasmFunction, wasm } from './wasm-assembly.js';

export interface FactorRowsOptions {
  /** Points, each with a row of the factor. */
  readonly rows: number;
  readonly dimensions: number;
  /** Pivots at most; rounded up to a multiple of 8. */
  readonly capacity: number;
  /** Whether points are kept as float64, with which there is no SIMD. @default false */
  readonly precise?: boolean;
}

/** Points, pivots among them, and the rows of a Cholesky factor that tell what pivots say of points; all arithmetic is float64. */
export interface FactorRows {
  readonly capacity: number;
  /** Numbers from one point to the next: the dimensions, rounded up to a multiple of 4. */
  readonly stride: number;
  /** `[rows, stride]`, which the caller writes; zeros belong beyond the dimensions. */
  readonly points: Vector;
  /** `Float64Array [rows, capacity]`: of each point, the numbers that were solved for. Zeros belong beyond them. */
  readonly factor: Float64Array;
  /** `Float64Array [capacity]`: squared distances come out of `measure`, kernel values go into `solve`. */
  readonly values: Float64Array;
  /** Pivots so far. */
  readonly size: number;
  /** Squared distances of a point to the pivots in [from, to), into `values`. */
  measure(row: number, from: number, to: number): void;
  /** Numbers [from, to) of a point's row: (values_j - sum_t<j row_t pivot_jt) x scale_j. Those before must have been solved for. */
  solve(row: number, from: number, to: number): void;
  /** Makes a point the next pivot, with the row that was solved for up to it; `scale` is 1 / the diagonal. Throws `RangeError` beyond the capacity. */
  observe(row: number, scale: number): void;
  /** Forgets the pivots. */
  clear(): void;
}

/** Numbers of a row that are added up side by side. */
const step = 8;
const mostBytes = 2 ** 32 - 2 ** 16;

/**
 * Room for the rows of a factor, by SIMD in WebAssembly where there is any and all fits into 4 GiB, and by plain loops otherwise.
 *
 * Both add in the same order, so that results are equal to the last bit: squared distances in four sums (those of `squaredDistanceAt`, where the
 * dimensions are a multiple of 4), products in eight. Memory: rows (4 dimensions + 8 capacity) + capacity (8 dimensions + 8 capacity) bytes, of
 * which the system provides what is written to.
 */
export function factorRows(options: FactorRowsOptions, { simd = simdIsSupported() }: SimdOption = {}): FactorRows {
  const { rows, dimensions, precise = false } = options;
  const capacity = step * Math.ceil(options.capacity / step);
  const stride = 4 * Math.ceil(dimensions / 4);
  // in numbers of 4 bytes
  const lengths = {
    points: rows * stride,
    pivots: 2 * capacity * stride,
    factor: 2 * rows * capacity,
    pivotRows: 2 * capacity * capacity,
    scales: 2 * capacity,
    values: 2 * capacity,
  };
  const bytes = 4 * Object.values(lengths).reduce((sum, length) => sum + length, 0);
  if (!simd || precise || bytes > mostBytes) {
    const double = (name: keyof typeof lengths) => new Float64Array(lengths[name] / 2);
    const points = precise ? new Float64Array(lengths.points) : new Float32Array(lengths.points);
    return rowsIn({ capacity, stride, ...arraysOf(points, double) }, plain);
  }
  const memory = tileMemory(lengths, { simd });
  const double = (name: keyof typeof lengths) => {
    const { buffer, byteOffset, length } = memory.array(name);
    return new Float64Array(buffer, byteOffset, length / 2);
  };
  const arrays = arraysOf(memory.array('points'), double);
  return rowsIn({ capacity, stride, ...arrays }, (room) => compiled(room, memory));
}

interface Arrays {
  readonly points: Vector;
  /** `[capacity, stride]`. */
  readonly pivots: Float64Array;
  readonly factor: Float64Array;
  /** `[capacity, capacity]`. */
  readonly pivotRows: Float64Array;
  readonly scales: Float64Array;
  readonly values: Float64Array;
}

interface Room extends Arrays {
  readonly capacity: number;
  readonly stride: number;
}

type Arithmetic = Pick<FactorRows, 'measure' | 'solve'>;

function arraysOf(points: Vector, double: (name: Exclude<keyof Arrays, 'points'>) => Float64Array): Arrays {
  return {
    points,
    pivots: double('pivots'),
    factor: double('factor'),
    pivotRows: double('pivotRows'),
    scales: double('scales'),
    values: double('values'),
  };
}

function rowsIn(room: Room, arithmeticOf: (room: Room) => Arithmetic): FactorRows {
  const { capacity, stride, points, pivots, factor, pivotRows, scales, values } = room;
  const { measure, solve } = arithmeticOf(room);
  let size = 0;
  return {
    capacity,
    stride,
    points,
    factor,
    values,
    get size() {
      return size;
    },
    // a row of no pivots has nothing to be measured, and compiled loops run at least once
    measure: (row, from, to) => (from < to ? measure(row, from, to) : undefined),
    solve: (row, from, to) => (from < to ? solve(row, from, to) : undefined),
    observe: (row, scale) => {
      if (size === capacity) throw new RangeError(`there is room for ${capacity} pivots, and no more`);
      for (let k = 0; k < stride; k++) pivots[size * stride + k] = points[row * stride + k] ?? 0;
      for (let j = 0; j < size; j++) pivotRows[size * capacity + j] = factor[row * capacity + j] ?? 0;
      scales[size] = scale;
      size += 1;
    },
    clear: () => {
      size = 0;
      pivotRows.fill(0);
    },
  };
}

function plain({ capacity, stride, points, pivots, factor, pivotRows, scales, values }: Room): Arithmetic {
  return {
    measure: (row, from, to) => {
      for (let j = from; j < to; j++) {
        values[j] = squaredDistanceAt(points, row * stride, pivots.subarray(j * stride, (j + 1) * stride), stride);
      }
    },
    solve: (row, from, to) => {
      for (let j = from; j < to; j++) {
        const sum = productOf(factor, row * capacity, pivotRows, j * capacity, j);
        factor[row * capacity + j] = ((values[j] ?? 0) - sum) * (scales[j] ?? 0);
      }
    },
  };
}

/** In eight sums, added in pairs. */
function productOf(a: Float64Array, i: number, b: Float64Array, j: number, length: number): number {
  let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let t = 0; t < length; t += step) {
    s0 += (a[i + t] ?? 0) * (b[j + t] ?? 0);
    s1 += (a[i + t + 1] ?? 0) * (b[j + t + 1] ?? 0);
    s2 += (a[i + t + 2] ?? 0) * (b[j + t + 2] ?? 0);
    s3 += (a[i + t + 3] ?? 0) * (b[j + t + 3] ?? 0);
    s4 += (a[i + t + 4] ?? 0) * (b[j + t + 4] ?? 0);
    s5 += (a[i + t + 5] ?? 0) * (b[j + t + 5] ?? 0);
    s6 += (a[i + t + 6] ?? 0) * (b[j + t + 6] ?? 0);
    s7 += (a[i + t + 7] ?? 0) * (b[j + t + 7] ?? 0);
  }
  return s0 + s1 + (s2 + s3) + (s4 + s5 + (s6 + s7));
}

function compiled(room: Room, memory: TileMemory<string>): Arithmetic {
  const { capacity, stride, points, pivots, factor, pivotRows, scales, values } = room;
  const measured = memory.compile('factor rows, measure', distances);
  const solved = memory.compile('factor rows, solve', substitution);
  const [pointAt, pivotAt] = [points.byteOffset, pivots.byteOffset];
  const [factorAt, pivotRowAt] = [factor.byteOffset, pivotRows.byteOffset];
  const [scaleAt, valueAt] = [scales.byteOffset, values.byteOffset];
  return {
    measure: (row, from, to) => {
      const point = pointAt + 4 * row * stride;
      measured(point, point + 4 * stride, pivotAt + 8 * from * stride, valueAt + 8 * from, to - from);
    },
    solve: (row, from, to) => {
      const own = factorAt + 8 * row * capacity;
      const pivotRow = pivotRowAt + 8 * from * capacity;
      solved(own, own + 8 * from, pivotRow, 8 * capacity, scaleAt + 8 * from, valueAt + 8 * from, to - from);
    },
  };
}

/** `run(point, its end, pivots, out, pivots to measure)`. */
function distances(): WasmFunction {
  const { get, set, number, add, subtract, isBelow, repeatWhile } = wasm;
  const [point, end, pivot, out, left, at] = [0, 1, 2, 3, 4, 5];
  const [low, high, difference] = [6, 7, 8];
  const advance = (local: number, by: number): Code => set(local, add(get(local), number(by)));
  const take = (sum: number, pair: number): Code => [
    set(difference, wasm.subtractTwo(wasm.loadTwoAsDoubles(get(at), 8 * pair), wasm.loadTwo(get(pivot), 16 * pair))),
    set(sum, wasm.addTwo(get(sum), wasm.multiplyTwo(get(difference), get(difference)))),
  ];
  const four = [take(low, 0), take(high, 1), advance(at, 16), advance(pivot, 32)];
  const one = [
    set(low, wasm.zeroFour()),
    set(high, wasm.zeroFour()),
    set(at, get(point)),
    repeatWhile(four, isBelow(get(at), get(end))),
    wasm.storeDouble(get(out), 0, wasm.addDoubles(lanesAdded(get(low)), lanesAdded(get(high)))),
    advance(out, 8),
    set(left, subtract(get(left), number(1))),
  ];
  const locals = [[1, valueType.i32] as const, [3, valueType.v128] as const];
  return { name: 'run', parameters: 5, locals, body: repeatWhile(one, get(left)) };
}

/** `run(row, where its next number is, row of the next pivot, bytes of a row, scale, value, numbers to solve for)`. */
function substitution(): WasmFunction {
  const { get, set, number, add, subtract, isBelow, repeatWhile, addTwo, addDoubles } = wasm;
  const [row, next, pivotRow, bytes, scale, value, left, at, pivotAt] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const sums = [9, 10, 11, 12];
  const advance = (local: number, by: number): Code => set(local, add(get(local), number(by)));
  const eight = [
    sums.map((sum, pair) => {
      const product = wasm.multiplyTwo(wasm.loadTwo(get(at), 16 * pair), wasm.loadTwo(get(pivotAt), 16 * pair));
      return set(sum, addTwo(get(sum), product));
    }),
    advance(at, 8 * step),
    advance(pivotAt, 8 * step),
  ];
  const [first = 0, second = 0, third = 0, fourth = 0] = sums.map((sum) => lanesAdded(get(sum)));
  const total = addDoubles(addDoubles(first, second), addDoubles(third, fourth));
  const rest = wasm.subtractDoubles(wasm.loadDouble(get(value), 0), total);
  const one = [
    sums.map((sum) => set(sum, wasm.zeroFour())),
    set(at, get(row)),
    set(pivotAt, get(pivotRow)),
    // for the first pivot, zeros are added up
    repeatWhile(eight, isBelow(get(at), get(next))),
    wasm.storeDouble(get(next), 0, wasm.multiplyDoubles(rest, wasm.loadDouble(get(scale), 0))),
    advance(next, 8),
    set(pivotRow, add(get(pivotRow), get(bytes))),
    advance(scale, 8),
    advance(value, 8),
    set(left, subtract(get(left), number(1))),
  ];
  const locals = [[2, valueType.i32] as const, [4, valueType.v128] as const];
  return { name: 'run', parameters: 7, locals, body: repeatWhile(one, get(left)) };
}

function lanesAdded(two: Code): Code {
  return wasm.addDoubles(wasm.doubleLane(two, 0), wasm.doubleLane(two, 1));
}
