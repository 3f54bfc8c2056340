import { type KernelChoice, kernelFrom } from '../mmd/kernel.js';
import type { Points } from '../points.js';
import { dotTiles } from '../wasm/dot-tiles.js';
import { tileRows } from '../wasm/multiplication.js';

/** What each point of a set has around it in its own set. Cosines, as the points have unit norm. */
export interface Within {
  /** With the nearest other point: `Float32Array [size]`. */
  readonly nearest: Float32Array;
  /** With the k-th nearest other point, the rim of the ball around the point: `Float32Array [size]`. */
  readonly rim: Float32Array;
  /** The mean over all other points: `Float64Array [size]`. */
  readonly mean: Float64Array;
  /** The sum of the kernel over all pairs i != j, each counted both ways. */
  readonly kernelSum: number;
}

/** How two sets of points lie to each other. */
export interface Across {
  /** The cosine of each point of `a` with the nearest of `b`: `Float32Array [a.size]`. */
  readonly nearestOfA: Float32Array;
  /** And the other way: `Float32Array [b.size]`. */
  readonly nearestOfB: Float32Array;
  /** Points of `a` that are within the ball of a point of `b`. */
  readonly aInBalls: number;
  /** Points of `b` that are within the ball of a point of `a`. */
  readonly bInBalls: number;
  /** Pairs of a point of `b` and a ball of `a` that it is in. */
  readonly ballHits: number;
  /** The sum of the kernel over all pairs. */
  readonly kernelSum: number;
}

/** Told after each stripe of rows, with the share of the work that is done. */
export type PairProgress = (share: number) => void;

/**
 * All pairs of a set of unit vectors: neighbours, mean cosines and the kernel's sum, in one pass.
 *
 * O(size^2 x dimensions / 2); beside the points, a copy of them and `8 + 4 neighbours` numbers a point. Throws `TypeError`
 * where `neighbours` is not from 1 to `size - 1`. A number as the kernel is the bandwidth of an RBF kernel.
 */
export function within(points: Points, neighbours: number, kernel: KernelChoice, progress?: PairProgress): Within {
  const { size } = points;
  if (!Number.isInteger(neighbours) || neighbours < 1 || neighbours >= size) {
    throw new TypeError(`neighbours: expected an integer from 1 to ${size - 1}, got ${neighbours}`);
  }
  const tiles = dotTiles(points, points);
  const ranked = new Float32Array(size * neighbours).fill(Number.NEGATIVE_INFINITY);
  const mean = new Float64Array(size);
  const kernelOf = cosineKernel(kernel);
  let kernelSum = 0;
  for (let i = 0; i < size; i += tileRows) {
    const rows = Math.min(tileRows, size - i);
    // the other half of the matrix is its mirror image
    for (let j = i; j < size; j += tileRows) {
      const columns = Math.min(tileRows, size - j);
      const products = tiles.tile(i, rows, j, columns);
      for (let r = 0; r < rows; r++) {
        for (let c = i === j ? r + 1 : 0; c < columns; c++) {
          const cosine = products[r * tileRows + c] ?? 0;
          mean[i + r] = (mean[i + r] ?? 0) + cosine;
          mean[j + c] = (mean[j + c] ?? 0) + cosine;
          kernelSum += kernelOf(cosine);
          rank(ranked, (i + r) * neighbours, neighbours, cosine);
          rank(ranked, (j + c) * neighbours, neighbours, cosine);
        }
      }
    }
    progress?.(1 - ((size - i - rows) / size) ** 2);
  }
  for (let i = 0; i < size; i++) mean[i] = (mean[i] ?? 0) / (size - 1);
  const column = (rankOf: number) =>
    Float32Array.from({ length: size }, (_, i) => ranked[i * neighbours + rankOf] ?? 0);
  return { nearest: column(0), rim: column(neighbours - 1), mean, kernelSum: 2 * kernelSum };
}

/**
 * All pairs of a point of `a` and a point of `b`, both of unit norm, in one pass.
 *
 * `rimOfA` and `rimOfB` are the `rim` of either set within itself; a point on a ball's rim is in it. O(sizes x dimensions);
 * beside the points, a copy of them and four numbers a point.
 */
export function across(
  a: Points,
  b: Points,
  rimOfA: Float32Array,
  rimOfB: Float32Array,
  kernel: KernelChoice,
  progress?: PairProgress,
): Across {
  const tiles = dotTiles(a, b);
  const nearestOfA = new Float32Array(a.size).fill(Number.NEGATIVE_INFINITY);
  const nearestOfB = new Float32Array(b.size).fill(Number.NEGATIVE_INFINITY);
  const isIn = { a: new Uint8Array(a.size), b: new Uint8Array(b.size) };
  const kernelOf = cosineKernel(kernel);
  let ballHits = 0;
  let kernelSum = 0;
  for (let i = 0; i < a.size; i += tileRows) {
    const rows = Math.min(tileRows, a.size - i);
    for (let j = 0; j < b.size; j += tileRows) {
      const columns = Math.min(tileRows, b.size - j);
      const products = tiles.tile(i, rows, j, columns);
      for (let r = 0; r < rows; r++) {
        const rim = rimOfA[i + r] ?? 1;
        let nearest = nearestOfA[i + r] ?? 0;
        for (let c = 0; c < columns; c++) {
          const cosine = products[r * tileRows + c] ?? 0;
          kernelSum += kernelOf(cosine);
          if (cosine > nearest) nearest = cosine;
          if (cosine > (nearestOfB[j + c] ?? 0)) nearestOfB[j + c] = cosine;
          if (cosine >= rim) {
            ballHits += 1;
            isIn.b[j + c] = 1;
          }
          if (cosine >= (rimOfB[j + c] ?? 1)) isIn.a[i + r] = 1;
        }
        nearestOfA[i + r] = nearest;
      }
    }
    progress?.((i + rows) / a.size);
  }
  return { nearestOfA, nearestOfB, aInBalls: count(isIn.a), bInBalls: count(isIn.b), ballHits, kernelSum };
}

/** The kernel of two unit vectors by their cosine. */
function cosineKernel(choice: KernelChoice): (cosine: number) => number {
  const kernel = kernelFrom(choice);
  if (kernel.name === 'linear') return (cosine) => cosine;
  const sharpness = 1 / (kernel.bandwidth * kernel.bandwidth);
  return (cosine) => Math.exp((cosine - 1) * sharpness);
}

/** Keeps the greatest `length` numbers from `start`, in falling order. */
function rank(ranked: Float32Array, start: number, length: number, value: number): void {
  let at = start + length - 1;
  if (value <= (ranked[at] ?? 0)) return;
  for (; at > start && value > (ranked[at - 1] ?? 0); at--) ranked[at] = ranked[at - 1] ?? 0;
  ranked[at] = value;
}

function count(flags: Uint8Array): number {
  let total = 0;
  for (const flag of flags) total += flag;
  return total;
}
