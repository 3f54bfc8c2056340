import type { Across, Within } from '../../operators/kernels/neighbours.js';
import type { Points } from '../../operators/kernels/points.js';

/** What a thread is asked for: all pairs of one sample, or of two. */
export type PairJob = WithinJob | AcrossJob;

export interface WithinJob {
  readonly kind: 'within';
  readonly points: Points;
  readonly neighbours: number;
  readonly bandwidth: number;
}

export interface AcrossJob {
  readonly kind: 'across';
  readonly a: Points;
  readonly b: Points;
  readonly rimOfA: Float32Array;
  readonly rimOfB: Float32Array;
  readonly bandwidth: number;
}

/** From the thread: shares of the work, then what came out. */
export type PairMessage =
  | { readonly kind: 'progress'; readonly share: number }
  | { readonly kind: 'within'; readonly result: Within }
  | { readonly kind: 'across'; readonly result: Across };
