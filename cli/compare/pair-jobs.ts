import type { Across, Within } from '../../operators/kernels/diversity/neighbours.js';
import type { Kernel } from '../../operators/kernels/mmd/kernel.js';
import type { PermutationTest } from '../../operators/kernels/mmd/permutation-test.js';
import type { Points } from '../../operators/kernels/points.js';

/** What a thread is asked for: all pairs of one sample, or of two, or a test of two. */
export type PairJob = WithinJob | AcrossJob | PermutationJob;

export interface WithinJob {
  readonly kind: 'within';
  readonly points: Points;
  readonly neighbours: number;
  readonly kernel: Kernel;
}

export interface AcrossJob {
  readonly kind: 'across';
  readonly a: Points;
  readonly b: Points;
  readonly rimOfA: Float32Array;
  readonly rimOfB: Float32Array;
  readonly kernel: Kernel;
}

export interface PermutationJob {
  readonly kind: 'permutations';
  readonly a: Points;
  readonly b: Points;
  readonly kernel: Kernel;
  readonly permutations: number;
  readonly seed: number;
}

/** From the thread: shares of the work, then what came out. */
export type PairMessage =
  | { readonly kind: 'progress'; readonly share: number }
  | { readonly kind: 'within'; readonly result: Within }
  | { readonly kind: 'across'; readonly result: Across }
  | { readonly kind: 'permutations'; readonly result: PermutationTest };
