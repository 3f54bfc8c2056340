import { allRows, drawToFront } from '../draw-rows.js';
import type { Points } from '../points.js';
import { type Random, randomFrom } from '../random.js';
import { kernelTiles } from '../wasm/kernel-tiles.js';
import type { GramOptions } from './gram.js';
import { type KernelChoice, kernelFrom } from './kernel.js';
import { checkSizes } from './mmd.js';
import { setBytes, setSums } from './set-sums.js';

export interface PermutationTestOptions extends GramOptions {
  /**
   * Times that the points are dealt out again. The least p-value is 1 / (permutations + 1).
   * @default 1000
   */
  readonly permutations?: number;
  /**
   * Of the permutations, and of the draw of points.
   * @default 0
   */
  readonly seed?: number;
  /**
   * Points of each sample that are tested; of more, as many are drawn. Time grows with its square.
   * @default 2000
   */
  readonly maxPoints?: number;
  /**
   * Memory of the permutations that share a pass over the kernel, at least 64; more than fit take further passes.
   * @default 64
   */
  readonly memoryMiB?: number;
}

export interface PermutationTest {
  /** Unbiased, of the points that were tested, with rounded kernel values; `exactMmd2` has it without. */
  readonly mmd2: number;
  /** (1 + permutations with an MMD at least as great) / (1 + permutations): never 0. */
  readonly pValue: number;
  readonly permutations: number;
  /** Points of each sample that were tested. */
  readonly points: readonly [x: number, y: number];
}

const leastInPass = 64;
/** By what share of its terms two equal MMDs may be apart: their sums are exact, and only divisions round. */
const tieTolerance = 1e-12;

/**
 * Whether two samples may come from one distribution: their unbiased MMD against those of the points dealt out anew.
 *
 * Exact under the hypothesis that they do, whatever the distribution, and whatever the kernel as long as it does not depend on
 * which point is of which sample: P(pValue <= a) <= a. Kernel values are rounded, to 2e-6 of the greatest there may be (4e-6 with the linear
 * kernel), so that their sums are exact, and deals of equal points tie to the last bit. A kernel value is computed once for all permutations of
 * a pass, and none is kept: memory is that of the points, twice, and `memoryMiB`, or 256 bytes a point where that is more. Time is
 * O((n + m)^2 (dimensions + permutations) / 2). Throws `TypeError` for a sample of fewer than 2 points, unequal dimensions, numbers
 * that are not finite, and options out of range.
 *
 * @example
 * ```ts
 * const { pValue } = permutationTest(real, synthetic, { name: 'rbf', bandwidth: 0.8 }, { permutations: 999, seed: 7 });
 * ```
 */
export function permutationTest(
  x: Points,
  y: Points,
  choice: KernelChoice,
  options: PermutationTestOptions = {},
): PermutationTest {
  const { permutations = 1000, seed = 0, maxPoints = 2000, memoryMiB = 64, progress, ...simd } = options;
  checkCount('permutations', permutations, 1);
  checkCount('maxPoints', maxPoints, 2);
  if (!(memoryMiB >= 0)) throw new TypeError(`memoryMiB: expected a number from 0, got ${memoryMiB}`);
  checkSizes(x, y, 2);
  const kernel = kernelFrom(choice);
  const random = randomFrom(seed);
  const [a, b] = [drawn(x, maxPoints, random), drawn(y, maxPoints, random)];
  const pool = kernel.name === 'linear' ? centred(pooled(a, b)) : pooled(a, b);
  const tiles = kernelTiles(pool, pool, kernel, simd);
  const greatest = kernel.name === 'linear' ? greatestSquare(pool) : 1;
  const dealing = dealer(a.size, b.size, random);
  const perPass = Math.max(leastInPass, Math.floor((memoryMiB * 2 ** 20) / setBytes(pool.size)));
  let observed: Statistic = { mmd2: 0, terms: 0 };
  let atLeast = 0;
  for (let done = 0; done < permutations; done += perPass) {
    const count = Math.min(perPass, permutations - done);
    const { within, touching, total } = setSums(tiles, {
      ...simd,
      size: pool.size,
      sets: 1 + count,
      membersOf: (set) => (set === 0 ? dealing.observed : dealing.next()),
      greatest,
      ...(progress && { progress: (share) => progress((done + share * count) / permutations) }),
    });
    const statistics = Array.from({ length: 1 + count }, (_, set) =>
      statistic(within[set] ?? 0, touching[set] ?? 0, total, dealing.sizes),
    );
    observed = statistics[0] ?? observed;
    const bar = observed.mmd2 - tieTolerance * observed.terms;
    atLeast += statistics.slice(1).filter(({ mmd2 }) => mmd2 >= bar).length;
  }
  const pValue = (1 + atLeast) / (1 + permutations);
  return { mmd2: observed.mmd2, pValue, permutations, points: [a.size, b.size] };
}

interface Statistic {
  /** Unbiased. */
  readonly mmd2: number;
  /** The absolute terms that it is the sum of. */
  readonly terms: number;
}

/** From the kernel sums of one group: those of the other are what is left of the total. */
function statistic(own: number, touching: number, total: number, [size, rest]: readonly [number, number]): Statistic {
  const across = touching - own;
  const within = own / (size * (size - 1));
  const withinRest = (total - own - 2 * across) / (rest * (rest - 1));
  const between = (2 * across) / (size * rest);
  return {
    mmd2: within + withinRest - between,
    terms: Math.abs(within) + Math.abs(withinRest) + Math.abs(between),
  };
}

/** Deals the points of a pool into two groups as large as the samples; what is told of is the smaller group. */
function dealer(n: number, m: number, random: Random) {
  const all = allRows(n + m);
  const deck = all.slice();
  const size = Math.min(n, m);
  return {
    sizes: [size, n + m - size] as const,
    observed: n <= m ? all.subarray(0, n) : all.subarray(n),
    next: () => drawToFront(deck, size, random),
  };
}

function drawn(points: Points, most: number, random: Random): Points {
  const { data, size, dimensions } = points;
  if (size <= most) return points;
  const chosen = data.slice(0, most * dimensions);
  for (const [i, row] of drawToFront(allRows(size), most, random).entries()) {
    chosen.set(data.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions);
  }
  return { data: chosen, size: most, dimensions };
}

function pooled(a: Points, b: Points): Points {
  const numbers = a.data.length + b.data.length;
  const isSingle = a.data instanceof Float32Array && b.data instanceof Float32Array;
  const data = isSingle ? new Float32Array(numbers) : new Float64Array(numbers);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { data, size: a.size + b.size, dimensions: a.dimensions };
}

/** About their mean, which no MMD depends on, so that products are small. */
function centred({ data, size, dimensions }: Points): Points {
  const mean = new Float64Array(dimensions);
  for (const [i, value] of data.entries()) mean[i % dimensions] = (mean[i % dimensions] ?? 0) + value / size;
  return { data: Float64Array.from(data, (value, i) => value - (mean[i % dimensions] ?? 0)), size, dimensions };
}

/** The greatest squared norm. */
function greatestSquare({ data, size, dimensions }: Points): number {
  let greatest = 0;
  for (let i = 0; i < size; i++) {
    let square = 0;
    for (let k = i * dimensions; k < (i + 1) * dimensions; k++) square += (data[k] ?? 0) ** 2;
    greatest = Math.max(greatest, square);
  }
  return greatest;
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new TypeError(`${name}: expected an integer from ${least}, got ${value}`);
  }
}
