import { dot } from '../dot.js';
import { randomFrom } from '../random.js';
import type { KernelMatrix } from './kernel-matrix.js';

/** Probes that the trace is estimated with. Of few items one says little, and costs little. */
const probes = 1;
const probesOfFew = 8;
const few = 128;
/** The residual at which a probe is solved, against its start: the estimate is a mean, and needs no more. */
const residualShare = 0.03;
const mostIterations = 60;

/** A solution whose items pull on a new one. */
export interface OwnPartOptions {
  readonly kernel: KernelMatrix;
  readonly weights: Float64Array;
  /** Of w itself. */
  readonly cap: number;
  /** lambda n. */
  readonly ridge: number;
  readonly seed: number;
}

/**
 * How much of a new item's kernel with itself is its own, on average: what items like it do not take up already. From 0 to 1.
 *
 * The variance of a Gaussian process at an item, given the others that have a weight between the bounds. By the identity of leave-one-out, an
 * item's entry of (K + lambda n)^-1 is 1 / (lambda n + its own part); their mean is estimated by random signs (Hutchinson 1990) and conjugate
 * gradients, in some tens of products with K. 1 where no weight lies between the bounds.
 */
export function ownPart({ kernel, weights, cap, ridge, seed }: OwnPartOptions): number {
  const isFree = Uint8Array.from(weights, (weight) => (weight > 0 && weight < cap ? 1 : 0));
  const free = isFree.reduce((sum, flag) => sum + flag, 0);
  if (free === 0) return 1;
  const random = randomFrom(seed);
  const rounds = free < few ? probesOfFew : probes;
  let trace = 0;
  for (let round = 0; round < rounds; round++) {
    const signs = Float64Array.from(isFree, (flag) => flag * (random.below(2) === 0 ? 1 : -1));
    trace += quadraticForm(kernel, isFree, ridge, signs) / rounds;
  }
  return Math.min(1, Math.max(0, free / trace - ridge));
}

/** z'(K + ridge)^-1 z over the free items, by conjugate gradients (Hestenes and Stiefel 1952). */
function quadraticForm(kernel: KernelMatrix, isFree: Uint8Array, ridge: number, z: Float64Array): number {
  const n = kernel.size;
  const solution = new Float64Array(n);
  const residual = Float64Array.from(z);
  const direction = Float64Array.from(z);
  const image = new Float64Array(n);
  let squares = dot(residual, residual);
  const enough = squares * residualShare ** 2;
  for (let iteration = 0; iteration < mostIterations && squares > enough; iteration++) {
    kernel.multiply(direction, image);
    for (let i = 0; i < n; i++) image[i] = (isFree[i] ?? 0) * ((image[i] ?? 0) + ridge * (direction[i] ?? 0));
    const curvature = dot(direction, image);
    if (!(curvature > 0)) break;
    const step = squares / curvature;
    for (let i = 0; i < n; i++) {
      solution[i] = (solution[i] ?? 0) + step * (direction[i] ?? 0);
      residual[i] = (residual[i] ?? 0) - step * (image[i] ?? 0);
    }
    const next = dot(residual, residual);
    for (let i = 0; i < n; i++) direction[i] = (residual[i] ?? 0) + (next / squares) * (direction[i] ?? 0);
    squares = next;
  }
  return dot(z, solution);
}
