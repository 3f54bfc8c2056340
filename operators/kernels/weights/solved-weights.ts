import { dot } from '../dot.js';
import { effectiveSampleSize } from './effective-sample-size.js';
import type { KernelMatrix } from './kernel-matrix.js';
import { leastCost, projectToSimplex } from './simplex.js';

/** The weights, and how good they are. */
export interface MmdWeights {
  /** `Float64Array [n]`: at least 0, adding up to 1. */
  readonly weights: Float64Array;
  /** w'Kw - 2 target'w + lambda n |w|^2. */
  readonly objective: number;
  /** The objective is above the least there is by at most as much. */
  readonly gap: number;
  readonly iterations: number;
  /** 1 / |w|^2: how many items of equal weight these are worth. */
  readonly effectiveSampleSize: number;
  /** Lambda as it was used: the one given, or raised for the effective sample size. */
  readonly regularization: number;
  /** The multiplier of "adds up to 1": see `outOfSampleWeight`. */
  readonly shift: number;
}

/** How far a solution is. */
export interface MmdWeightsProgress {
  readonly iterations: number;
  readonly gap: number;
}

/** Iterations between two looks at the gap, which cost about one more. */
const gapEvery = 4;

/** Of each item, how much it shall weigh: min w'Kw - 2 target'w + ridge |w|^2 over the capped simplex. */
export interface WeightProblem {
  readonly kernel: KernelMatrix;
  readonly target: Float64Array;
  /** Of w itself. */
  readonly cap: number;
  readonly tolerance: number;
  readonly maxIterations: number;
}

/**
 * The weights of one ridge, from feasible ones. Accelerated projected gradients, restarted where the momentum points uphill; it stops at the
 * problem's `tolerance` of the duality gap, or after `maxIterations`, and pauses after every few. See `mmdWeights` for the sources.
 */
export function* solvedWeights(
  { kernel, target, cap, tolerance, maxIterations }: WeightProblem,
  regularization: number,
  start: Float64Array,
): Generator<MmdWeightsProgress, MmdWeights, undefined> {
  const n = kernel.size;
  const ridge = regularization * n;
  let weights = Float64Array.from(start);
  let product = new Float64Array(n);
  kernel.multiply(weights, product);
  let previous = weights.slice();
  let previousProduct = product.slice();
  /** Where the gradient is taken, ahead of the weights by their momentum, and K times it. */
  const ahead = new Float64Array(n);
  const aheadProduct = new Float64Array(n);
  let next = new Float64Array(n);
  let nextProduct = new Float64Array(n);
  const scratch = new Float64Array(n);
  let curvature = firstCurvature(kernel, product, target);
  let momentum = 1;
  let iterations = 0;
  let gap = gapOf(weights, product, target, ridge, cap, scratch);

  while (gap > tolerance && iterations < maxIterations) {
    const before = momentum;
    momentum = (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
    const beta = (before - 1) / momentum;
    for (let i = 0; i < n; i++) {
      const w = weights[i] ?? 0;
      const k = product[i] ?? 0;
      ahead[i] = w + beta * (w - (previous[i] ?? 0));
      aheadProduct[i] = k + beta * (k - (previousProduct[i] ?? 0));
    }
    for (;;) {
      const step = 1 / (curvature + ridge);
      for (let i = 0; i < n; i++) {
        const at = ahead[i] ?? 0;
        scratch[i] = at - step * ((aheadProduct[i] ?? 0) - (target[i] ?? 0) + ridge * at);
      }
      projectToSimplex(scratch, cap, next);
      kernel.multiply(next, nextProduct);
      const met = curvatureBetween(next, nextProduct, ahead, aheadProduct);
      // rounding makes a curvature of steps that are nearly nothing
      if (met <= curvature * (1 + 1e-9)) break;
      curvature = 1.2 * met;
    }
    if (pointsUphill(ahead, next, weights)) momentum = 1;
    [previous, weights, next] = [weights, next, previous];
    [previousProduct, product, nextProduct] = [product, nextProduct, previousProduct];
    iterations++;
    if (iterations % gapEvery !== 0) continue;
    gap = gapOf(weights, product, target, ridge, cap, scratch);
    yield { iterations, gap };
  }
  const objective = dot(weights, product) - 2 * dot(target, weights) + ridge * dot(weights, weights);
  const shift = shiftOf(weights, product, target, ridge, cap);
  return {
    weights,
    objective,
    gap,
    iterations,
    effectiveSampleSize: effectiveSampleSize(weights),
    regularization,
    shift,
  };
}

/**
 * How far the objective is above the least there is, at most.
 *
 * Of the ridge's dual: the quadratic is replaced by its tangent at w and the ridge kept, whose least point is a projection. Of Frank and
 * Wolfe: the ridge is replaced too. Both bound the least from below.
 */
function gapOf(
  weights: Float64Array,
  product: Float64Array,
  target: Float64Array,
  ridge: number,
  cap: number,
  scratch: Float64Array,
): number {
  const n = weights.length;
  for (let i = 0; i < n; i++) {
    scratch[i] = 2 * ((product[i] ?? 0) - (target[i] ?? 0) + ridge * (weights[i] ?? 0));
  }
  const linear = dot(scratch, weights) - leastCost(scratch, cap);
  if (ridge === 0) return Math.max(0, linear);
  for (let i = 0; i < n; i++) scratch[i] = ((target[i] ?? 0) - (product[i] ?? 0)) / ridge;
  projectToSimplex(scratch, cap, scratch);
  let dual = 0;
  for (let i = 0; i < n; i++) {
    const [w, other] = [weights[i] ?? 0, scratch[i] ?? 0];
    const slope = (product[i] ?? 0) - (target[i] ?? 0);
    dual += ridge * (w - other) * (w + other) + 2 * slope * (w - other);
  }
  return Math.max(0, Math.min(linear, dual));
}

/** The curvature along the first gradient, in which the largest directions of K are strongest. */
function firstCurvature(kernel: KernelMatrix, product: Float64Array, target: Float64Array): number {
  const n = kernel.size;
  const direction = product.map((value, i) => value - (target[i] ?? 0));
  const mean = direction.reduce((sum, value) => sum + value, 0) / n;
  for (let i = 0; i < n; i++) direction[i] = (direction[i] ?? 0) - mean;
  const squares = dot(direction, direction);
  if (squares === 0) return 1;
  const image = new Float64Array(n);
  kernel.multiply(direction, image);
  return Math.max(dot(direction, image) / squares, 1e-12);
}

/** d'Kd / d'd of the step d. */
function curvatureBetween(a: Float64Array, aImage: Float64Array, b: Float64Array, bImage: Float64Array): number {
  let bent = 0;
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    const d = (a[i] ?? 0) - (b[i] ?? 0);
    bent += d * ((aImage[i] ?? 0) - (bImage[i] ?? 0));
    squares += d * d;
  }
  return squares < 1e-28 ? 0 : bent / squares;
}

function pointsUphill(ahead: Float64Array, next: Float64Array, weights: Float64Array): boolean {
  let product = 0;
  for (let i = 0; i < next.length; i++) {
    const to = next[i] ?? 0;
    product += ((ahead[i] ?? 0) - to) * (to - (weights[i] ?? 0));
  }
  return product > 0;
}

/** target - K w - lambda n w is the same for all weights between the bounds: their mean. Where there are none, it lies between two others. */
function shiftOf(
  weights: Float64Array,
  product: Float64Array,
  target: Float64Array,
  ridge: number,
  cap: number,
): number {
  let free = 0;
  let freeSum = 0;
  let mostOfZeros = Number.NEGATIVE_INFINITY;
  let leastOfCapped = Number.POSITIVE_INFINITY;
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i] ?? 0;
    const level = (target[i] ?? 0) - (product[i] ?? 0) - ridge * w;
    if (w <= 0) mostOfZeros = Math.max(mostOfZeros, level);
    else if (w >= cap) leastOfCapped = Math.min(leastOfCapped, level);
    else {
      free++;
      freeSum += level;
    }
  }
  if (free > 0) return freeSum / free;
  return mostOfZeros === Number.NEGATIVE_INFINITY ? leastOfCapped : (mostOfZeros + leastOfCapped) / 2;
}
