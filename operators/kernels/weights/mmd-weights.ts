import type { KernelMatrix } from './kernel-matrix.js';
import { projectToSimplex } from './simplex.js';
import { type MmdWeights, type MmdWeightsProgress, solvedWeights, type WeightProblem } from './solved-weights.js';

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

const defaults = { regularization: 1e-3, tolerance: 1e-7, maxIterations: 5000 };
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
  const problem: WeightProblem = { ...defaults, ...definedLimits(options), kernel, target, cap };
  const first = yield* solvedWeights(problem, regularization, from);
  const least = minEffectiveShare * size * (1 - 1e-9);
  if (first.effectiveSampleSize >= least) return first;

  // the effective sample size never falls as the ridge grows
  const roughly: WeightProblem = { ...problem, tolerance: roughTolerance * problem.tolerance };
  let low = regularization;
  let high = Math.max(regularization, leastRaised / 4);
  let best = first;
  while (best.effectiveSampleSize < least && high < mostRaised) {
    low = high;
    high *= 4;
    best = yield* solvedWeights(roughly, high, best.weights);
  }
  while (high > low * raisedWithin && best.effectiveSampleSize > least * 1.01) {
    const middle = Math.sqrt(Math.max(low, leastRaised / 4) * high);
    const between = yield* solvedWeights(roughly, middle, best.weights);
    if (between.effectiveSampleSize >= least) {
      high = middle;
      best = between;
    } else low = middle;
  }
  for (;;) {
    const exact = yield* solvedWeights(problem, high, best.weights);
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
