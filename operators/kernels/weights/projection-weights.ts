import type { Points } from '../points.js';
import { randomFrom } from '../random.js';
import { effectiveSampleSize } from './effective-sample-size.js';

/** Items that are weighted by random projections. */
export interface ProjectionWeightsOptions {
  readonly items: Points;
  /** The mean of the reference: `[dimensions]`. */
  readonly target: Float64Array;
  readonly seed: number;
  /**
   * Rows of a projection, q.
   * @default 32
   */
  readonly rows?: number;
  /**
   * Projections that a step's gradient is the mean of.
   * @default 4
   */
  readonly projections?: number;
  /**
   * Steps at most; fewer where 50 of them lower the distance by less than 1e-4 of it.
   * @default 2000
   */
  readonly maxSteps?: number;
  /**
   * The step of Adam.
   * @default 0.05
   */
  readonly stepSize?: number;
}

export interface ProjectionWeights {
  /** `Float64Array [n]`, above 0, adding up to 1. */
  readonly weights: Float64Array;
  /** |target - sum w_j x_j|^2: the squared MMD of a linear kernel. */
  readonly objective: number;
  readonly steps: number;
  readonly effectiveSampleSize: number;
}

const defaults = { rows: 32, projections: 4, maxSteps: 2000, stepSize: 0.05 };
/** Steps over which it is looked whether the distance still falls, and the relative fall that is too little. */
const patience = 50;
const leastFall = 1e-4;
/** Adam's means of gradients and of their squares (Kingma and Ba 2015). */
const decay = { mean: 0.9, square: 0.999, epsilon: 1e-12 };

/**
 * Weights by random linear projections, for comparison: softmax of parameters that Adam moves, a fresh projection each step.
 *
 * Minimises the mean over random Theta `[q, d]`, of entries N(0, 1/q), of |Theta (target - sum w_j x_j)|^2. That mean is the squared distance
 * itself, so these are the weights of `mmdWeights` with a linear kernel, reached by a slower way: only the means of the two are matched, which
 * many wrong distributions do. Of the many solutions there are beyond d items, this one stays near even weights. Nothing is known of the
 * paper's own optimiser but this shape. O(n d) a step. Throws `TypeError` for no items, another length, or a number that is not finite.
 */
export function projectionWeights(options: ProjectionWeightsOptions): ProjectionWeights {
  const { items, target, seed } = options;
  const { rows = defaults.rows, projections = defaults.projections } = options;
  const { maxSteps = defaults.maxSteps, stepSize = defaults.stepSize } = options;
  const { size, dimensions } = items;
  if (size < 1) throw new TypeError('items: expected at least one');
  if (target.length !== dimensions) throw new TypeError(`target: expected ${dimensions} numbers, got ${target.length}`);
  if (!target.every(Number.isFinite) || !items.data.every(Number.isFinite)) {
    throw new TypeError('items and target: expected finite numbers');
  }
  const random = randomFrom(seed);
  const parameters = new Float64Array(size);
  const adam = new Adam(size, stepSize);
  let weights = softmax(parameters);
  let residual = residualOf(items, weights, target);
  let checkpoint = squaredNorm(residual);
  let steps = 0;
  while (steps < maxSteps) {
    const seen = new Float64Array(dimensions);
    for (let k = 0; k < projections; k++) addProjected(residual, rows, random.gaussian, seen, 1 / projections);
    adam.move(parameters, gradientOf(items, weights, seen));
    steps++;
    weights = softmax(parameters);
    residual = residualOf(items, weights, target);
    if (steps % patience !== 0) continue;
    const now = squaredNorm(residual);
    if (!(now < checkpoint * (1 - leastFall))) break;
    checkpoint = now;
  }
  return { weights, objective: squaredNorm(residual), steps, effectiveSampleSize: effectiveSampleSize(weights) };
}

/** Adds `scale` Theta'Theta vector for a fresh Theta. */
export function addProjected(
  vector: Float64Array,
  rows: number,
  gaussian: () => number,
  into: Float64Array,
  scale: number,
): void {
  const theta = new Float64Array(vector.length);
  const spread = 1 / Math.sqrt(rows);
  for (let row = 0; row < rows; row++) {
    let projected = 0;
    for (let i = 0; i < vector.length; i++) {
      const entry = gaussian() * spread;
      theta[i] = entry;
      projected += entry * (vector[i] ?? 0);
    }
    for (let i = 0; i < vector.length; i++) into[i] = (into[i] ?? 0) + scale * projected * (theta[i] ?? 0);
  }
}

/** Of the squared norm of the residual, by the parameters of the softmax; `seen` is the residual through the projections. */
function gradientOf({ data, size, dimensions }: Points, weights: Float64Array, seen: Float64Array): Float64Array {
  const slopes = new Float64Array(size);
  let mean = 0;
  for (let j = 0; j < size; j++) {
    let product = 0;
    for (let i = 0; i < dimensions; i++) product += (data[j * dimensions + i] ?? 0) * (seen[i] ?? 0);
    slopes[j] = -2 * product;
    mean += (weights[j] ?? 0) * -2 * product;
  }
  return slopes.map((slope, j) => (weights[j] ?? 0) * (slope - mean));
}

function residualOf({ data, size, dimensions }: Points, weights: Float64Array, target: Float64Array): Float64Array {
  const residual = target.slice();
  for (let j = 0; j < size; j++) {
    const weight = weights[j] ?? 0;
    for (let i = 0; i < dimensions; i++) residual[i] = (residual[i] ?? 0) - weight * (data[j * dimensions + i] ?? 0);
  }
  return residual;
}

function softmax(parameters: Float64Array): Float64Array {
  const greatest = parameters.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const weights = parameters.map((value) => Math.exp(value - greatest));
  const total = weights.reduce((sum, value) => sum + value, 0);
  return weights.map((value) => value / total);
}

function squaredNorm(vector: Float64Array): number {
  return vector.reduce((sum, value) => sum + value * value, 0);
}

class Adam {
  readonly #means: Float64Array;
  readonly #squares: Float64Array;
  #steps = 0;

  constructor(
    size: number,
    private readonly stepSize: number,
  ) {
    this.#means = new Float64Array(size);
    this.#squares = new Float64Array(size);
  }

  move(parameters: Float64Array, gradient: Float64Array): void {
    this.#steps++;
    const meanScale = 1 / (1 - decay.mean ** this.#steps);
    const squareScale = 1 / (1 - decay.square ** this.#steps);
    for (let i = 0; i < parameters.length; i++) {
      const slope = gradient[i] ?? 0;
      const mean = decay.mean * (this.#means[i] ?? 0) + (1 - decay.mean) * slope;
      const square = decay.square * (this.#squares[i] ?? 0) + (1 - decay.square) * slope * slope;
      this.#means[i] = mean;
      this.#squares[i] = square;
      const by = (mean * meanScale) / (Math.sqrt(square * squareScale) + decay.epsilon);
      parameters[i] = (parameters[i] ?? 0) - this.stepSize * by;
    }
  }
}
