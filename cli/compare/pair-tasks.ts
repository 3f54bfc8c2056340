import { type Across, across, type Within, within } from '../../operators/kernels/diversity/neighbours.js';
import type { Kernel } from '../../operators/kernels/mmd/kernel.js';
import { type PermutationTest, permutationTest } from '../../operators/kernels/mmd/permutation-test.js';
import type { Points } from '../../operators/kernels/points.js';
import { pairsMs, plainLoopsMs } from '../threads/estimates.js';
import { wholeTask } from '../threads/task.js';

export interface WithinJob {
  readonly points: Points;
  readonly neighbours: number;
  readonly kernel: Kernel;
}

export interface AcrossJob {
  readonly a: Points;
  readonly b: Points;
  readonly rimOfA: Float32Array;
  readonly rimOfB: Float32Array;
  readonly kernel: Kernel;
}

export interface PermutationJob {
  readonly a: Points;
  readonly b: Points;
  readonly kernel: Kernel;
  readonly permutations: number;
  readonly seed: number;
}

const place = { module: import.meta.url, does: 'compares pairs', remedy: 'try a smaller --sample' };

/** `within` of the kernels. */
export const withinPairs = wholeTask<WithinJob, Within>(
  {
    ...place,
    name: 'withinPairs',
    estimatedMs: ({ points: { size, dimensions } }) => pairsMs(size ** 2 / 2, dimensions),
  },
  ({ points, neighbours, kernel }, tell) => within(points, neighbours, kernel, tell),
);

/** `across` of the kernels. */
export const acrossPairs = wholeTask<AcrossJob, Across>(
  { ...place, name: 'acrossPairs', estimatedMs: ({ a, b }) => pairsMs(a.size * b.size, a.dimensions) },
  ({ a, b, rimOfA, rimOfB, kernel }, tell) => across(a, b, rimOfA, rimOfB, kernel, tell),
);

/** `permutationTest` of the kernels. */
export const permutedPairs = wholeTask<PermutationJob, PermutationTest>(
  {
    ...place,
    name: 'permutedPairs',
    estimatedMs: ({ a, b, permutations }) => {
      const pairs = (a.size + b.size) ** 2 / 2;
      return pairsMs(pairs, a.dimensions) + plainLoopsMs((pairs * permutations) / 8);
    },
  },
  ({ a, b, kernel, permutations, seed }, progress) => permutationTest(a, b, kernel, { permutations, seed, progress }),
);
