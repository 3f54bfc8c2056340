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
}

export interface SetSumsOptions extends SimdOption {
  /** Points that the tiles are over. */
  readonly size: number;
  readonly sets: number;
  /** The points of a set; asked for once each, in order. Set 0 has to have all of them. */
  readonly membersOf: (set: number) => Iterable<number>;
  readonly progress?: Progress;
}

/** Columns of the kernel matrix that are multiplied at once, at most. */
const mostColumns = 1024;

/**
 * Sums of a kernel over many sets of the same points: each value is computed once, for all sets, and none is kept.
 *
 * A stripe of 64 rows of the matrix, right of its diagonal, is multiplied by the sets' indicators. O(size^2 sets / 2) beside the
 * kernel; memory of `setBytes` for each set. Sums of at most 1024 values are float32, all others float64.
 */
export function setSums(tiles: KernelTiles, options: SetSumsOptions): SetSums {
  const { size, sets, membersOf, progress, ...simd } = options;
  const { chunks, stride } = chunksOf(size);
  const products = rowProducts({ rowsOfA: tileRows, rowsOfB: chunks * sets, stride }, simd);
  const { a: stripe, b: indicators } = products;
  const placeOf = (set: number, point: number) => (Math.floor(point / stride) * sets + set) * stride + (point % stride);
  for (let set = 0; set < sets; set++) for (const point of membersOf(set)) indicators[placeOf(set, point)] = 1;

  const within = new Float64Array(sets);
  const touching = new Float64Array(sets);
  // of each point, with all later ones
  const later = new Float64Array(size);
  for (let i = 0; i < size; i += tileRows) {
    const rows = Math.min(tileRows, size - i);
    for (let chunk = Math.floor(i / stride); chunk < chunks; chunk++) {
      const start = chunk * stride;
      const [from, end] = [Math.max(i, start), Math.min(start + stride, size)];
      fill(stripe.subarray(from - start), stride, tiles, { i, rows, from, end });
      for (let set = 0; set < sets; set += tileRows) {
        const count = Math.min(tileRows, sets - set);
        const to = 4 * Math.ceil((end - start) / 4);
        const found = products.tile(0, rows, chunk * sets + set, count, from - start, to);
        if (set === 0) for (let r = 0; r < rows; r++) later[i + r] = (later[i + r] ?? 0) + (found[r * tileRows] ?? 0);
        for (let s = 0; s < count; s++) take(found, s, rows, placeOf(set + s, i), set + s);
      }
    }
    progress?.(1 - ((size - i - rows) / size) ** 2);
  }
  addEarlier();
  return { within, touching };

  function take(found: Float32Array, column: number, rows: number, place: number, set: number): void {
    let own = 0;
    let all = 0;
    for (let r = 0; r < rows; r++) {
      const value = found[r * tileRows + column] ?? 0;
      all += value;
      own += value * (indicators[place + r] ?? 0);
    }
    within[set] = (within[set] ?? 0) + 2 * own;
    touching[set] = (touching[set] ?? 0) + all;
  }
  /** So far a pair counts where its later point is in the set; here, where its earlier one is. */
  function addEarlier(): void {
    for (let set = 0; set < sets; set++) {
      for (let chunk = 0; chunk < chunks; chunk++) {
        const place = placeOf(set, chunk * stride);
        const length = Math.min(stride, size - chunk * stride);
        let sum = 0;
        for (let k = 0; k < length; k++) sum += (indicators[place + k] ?? 0) * (later[chunk * stride + k] ?? 0);
        touching[set] = (touching[set] ?? 0) + sum;
      }
    }
  }
}

/** Memory of a set over so many points. */
export function setBytes(size: number): number {
  const { chunks, stride } = chunksOf(size);
  return 4 * chunks * stride;
}

/** Chunks of columns of about equal length; where there are several, a tile lies in one of them. */
function chunksOf(size: number): { readonly chunks: number; readonly stride: number } {
  const chunks = Math.ceil(size / mostColumns);
  const unit = chunks === 1 ? 4 : tileRows;
  const stride = unit * Math.ceil(size / chunks / unit);
  // rounding up may make the last one needless
  return { chunks: Math.ceil(size / stride), stride };
}

interface Stretch {
  readonly i: number;
  readonly rows: number;
  /** Columns, from the diagonal at the earliest. */
  readonly from: number;
  readonly end: number;
}

/** Writes kernel values into rows of a stripe, 0 on the diagonal and left of it. */
function fill(stripe: Float32Array, stride: number, tiles: KernelTiles, { i, rows, from, end }: Stretch): void {
  for (let j = from; j < end; j += tileRows) {
    const columns = Math.min(tileRows, end - j);
    const values = tiles.tile(i, rows, j, columns);
    for (let r = 0; r < rows; r++) {
      const place = r * stride + j - from;
      stripe.set(values.subarray(r * tileRows, r * tileRows + columns), place);
      if (j === i) stripe.fill(0, place, place + r + 1);
    }
  }
}
