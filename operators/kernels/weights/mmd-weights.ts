import type { KernelMatrix } from './kernel-matrix.js';
import { leastCost, projectToSimplex } from './simplex.js';

/** Items that are weighted so that together they are like a reference. */
export interface MmdWeightsOptions {
  /** K, of the items among themselves. */
  readonly kernel: KernelMatrix;
  /** Of each item, its mean kernel with the reference: `Float64Array [n]`. */
  readonly target: Float64Array;
  /**
   * Of the ridge: lambda in lambda n |w|^2. Larger is more even; 0 is none.
   * @default 0.001
   */
  readonly regularization?: number;
  /**
   * The greatest weight, where 1 is that of all items alike; at least 1.
   * @default no bound
   */
  readonly cap?: number;
  /**
   * Share of the items that the effective sample size must reach; where it does not, the ridge is raised until it does.
   * @default 0
   */
  readonly minEffectiveShare?: number;
  /** Weights to start from, such as those of the last time; what is not feasible is projected. @default even ones */
  readonly start?: Float64Array;
  /**
   * The duality gap at which it stops: the objective is then within as much of the least there is.
   * @default 1e-7
   */
  readonly tolerance?: number;
  /** @default 5000 */
  readonly maxIterations?: number;
}

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

const defaults = { regularization: 1e-3, tolerance: 1e-7, maxIterations: 5000 };
/** Iterations between two looks at the gap, which cost about one more. */
const gapEvery = 4;
/** Where no ridge was asked for, the least one that the effective sample size is raised with. */
const leastRaised = 1e-6;
/** A raised ridge is the least one that will do, up to this factor. */
const raisedWithin = 1.05;
/** How much more roughly it is solved while the ridge is searched for. */
const roughTolerance = 30;
/** From here on the ridge leaves nothing but even weights. */
const mostRaised = 1e9;

/**
 * Weights on the simplex under which items have the least MMD to a reference: min w'Kw - 2 target'w + lambda n |w|^2.
 *
 * Adding the reference's own mean kernel gives MMD^2 with the ridge. Accelerated projected gradients with exact projections (Beck and
 * Teboulle 2009), restarted where the momentum points uphill (O'Donoghue and Candes 2015). The step is by the greatest curvature met so
 * far between points of the simplex, which is far below the norm of K. It stops by a duality gap: that of the ridge's dual, or of
 * Frank and Wolfe where that is smaller. The solution is unique where there is a ridge, and then a function of the problem alone
 * within the gap. An iteration is a product with K. Kernel mean matching: Huang et al. 2006.
 *
 * Throws `TypeError` for no items, arrays of other lengths, a number that is not finite, and options out of range.
 *
 * @example
 * ```ts
 * const { weights, effectiveSampleSize } = mmdWeights({
 *   kernel: denseMatrix(gram(candidates, candidates, kernel), candidates.size),
 *   target: kernelRowSums(candidates, real, kernel).map((sum) => sum / real.size),
 *   cap: 10,
 * });
 * ```
 */
export function mmdWeights(options: MmdWeightsOptions): MmdWeights {
  const steps = mmdWeightSteps(options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** As `mmdWeights`, with a pause after every few iterations, in which the caller may do other things or give up. */
export function* mmdWeightSteps(options: MmdWeightsOptions): Generator<MmdWeightsProgress, MmdWeights, undefined> {
  const { kernel, target, minEffectiveShare = 0 } = options;
  const { regularization, cap, start } = checked(options);
  const size = kernel.size;
  const from = projectToSimplex(start, cap);
  const problem: Problem = { ...defaults, ...definedLimits(options), kernel, target, cap };
  const first = yield* solve(problem, regularization, from);
  const least = minEffectiveShare * size * (1 - 1e-9);
  if (first.effectiveSampleSize >= least) return first;

  // the effective sample size never falls as the ridge grows
  const roughly: Problem = { ...problem, tolerance: roughTolerance * problem.tolerance };
  let low = regularization;
  let high = Math.max(regularization, leastRaised / 4);
  let best = first;
  while (best.effectiveSampleSize < least && high < mostRaised) {
    low = high;
    high *= 4;
    best = yield* solve(roughly, high, best.weights);
  }
  while (high > low * raisedWithin && best.effectiveSampleSize > least * 1.01) {
    const middle = Math.sqrt(Math.max(low, leastRaised / 4) * high);
    const between = yield* solve(roughly, middle, best.weights);
    if (between.effectiveSampleSize >= least) {
      high = middle;
      best = between;
    } else low = middle;
  }
  for (;;) {
    const exact = yield* solve(problem, high, best.weights);
    if (exact.effectiveSampleSize >= least || high >= mostRaised) return exact;
    high *= raisedWithin;
  }
}

/**
 * The weight of an item as if it had been among those that were weighted, from their solution: a number from 0 to `cap`.
 *
 * At the optimum w_j = clip((target_j - (K w)_j - shift) / (lambda n), 0, cap), in which (K w)_j has the item's own part. Of an item that was not
 * among them it lacks that, which the divisor makes up for: without it, new items would weigh more than the old ones, many times more in high
 * dimensions. `witness` is its mean kernel with the reference less (K w) of it. With features: one dot product.
 */
export function outOfSampleWeight(witness: number, { shift, ridge, own, cap }: OutOfSample): number {
  return Math.min(cap, Math.max(0, (witness - shift) / (ridge + own)));
}

/** What of a solution is needed for the weights of other items. */
export interface OutOfSample {
  readonly shift: number;
  /** lambda n. */
  readonly ridge: number;
  /** See `ownPart`. */
  readonly own: number;
  /** Of w itself, not of n w. */
  readonly cap: number;
}

/** 1 / |w|^2 of weights that add up to 1: from 1 to their number. Kish 1965. */
export function effectiveSampleSize(weights: Float64Array): number {
  let sum = 0;
  let squares = 0;
  for (const weight of weights) {
    sum += weight;
    squares += weight * weight;
  }
  return squares === 0 ? 0 : sum ** 2 / squares;
}

interface Problem {
  readonly kernel: KernelMatrix;
  readonly target: Float64Array;
  /** Of w itself. */
  readonly cap: number;
  readonly tolerance: number;
  readonly maxIterations: number;
}

function* solve(
  { kernel, target, cap, tolerance, maxIterations }: Problem,
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

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function checked({
  kernel,
  target,
  regularization = defaults.regularization,
  cap = Number.POSITIVE_INFINITY,
  minEffectiveShare = 0,
  start,
}: MmdWeightsOptions) {
  const { size } = kernel;
  if (!Number.isInteger(size) || size < 1) throw new TypeError(`kernel: expected at least one item, got ${size}`);
  if (target.length !== size) throw new TypeError(`target: expected ${size} numbers, got ${target.length}`);
  if (!target.every(Number.isFinite)) throw new TypeError('target: expected finite numbers');
  if (!(regularization >= 0 && Number.isFinite(regularization))) {
    throw new TypeError(`regularization: expected a number from 0, got ${regularization}`);
  }
  if (!(cap >= 1)) throw new TypeError(`cap: expected a number from 1, got ${cap}`);
  if (!(minEffectiveShare >= 0 && minEffectiveShare <= 1)) {
    throw new TypeError(`minEffectiveShare: expected a number from 0 to 1, got ${minEffectiveShare}`);
  }
  if (start !== undefined && start.length !== size) {
    throw new TypeError(`start: expected ${size} numbers, got ${start.length}`);
  }
  return { regularization, cap: cap / size, start: start ?? new Float64Array(size).fill(1 / size) };
}

function definedLimits({ tolerance = defaults.tolerance, maxIterations = defaults.maxIterations }: MmdWeightsOptions) {
  if (!(tolerance > 0)) throw new TypeError(`tolerance: expected a number above 0, got ${tolerance}`);
  if (!Number.isInteger(maxIterations) || maxIterations < 1) {
    throw new TypeError(`maxIterations: expected an integer from 1, got ${maxIterations}`);
  }
  return { tolerance, maxIterations };
}
