import { setImmediate } from 'node:timers/promises';

import { gram, kernelRowSums } from '../../operators/kernels/mmd/gram.js';
import type { Points } from '../../operators/kernels/points.js';
import {
  denseMatrix,
  type FeatureMatrix,
  featureMatrix,
  type KernelMatrix,
} from '../../operators/kernels/weights/kernel-matrix.js';
import { mmdWeightSteps, type OutOfSample } from '../../operators/kernels/weights/mmd-weights.js';
import { ownPart } from '../../operators/kernels/weights/own-part.js';
import type { MmdWeights } from '../../operators/kernels/weights/solved-weights.js';
import type { AlignmentFeatures } from '../../operators/synalign/align/alignment-features.js';
import { eachFeatures } from './feature-means.js';

export interface SolveSettings {
  readonly regularization: number;
  readonly cap: number;
  readonly minEffectiveShare: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly progress: (iterations: number, gap: number) => void;
}

/** The weights of candidates, and what those of others can be read off. */
export interface SolvedGroup extends MmdWeights {
  /** Null where the kernel was computed for all pairs: then there are no others. */
  readonly others: (() => Others) | null;
}

/** What the weights of candidates are read off that were not solved for. */
export interface Others extends OutOfSample {
  /** Mean features of the real records less those of the weighted candidates. */
  readonly witness: Float64Array;
}

/** How long the solver may work before others get their turn: Ctrl-C among them. */
const turnMs = 50;

/** Weights by the kernel of all pairs: `candidates.size^2` numbers of 4 bytes. */
export async function solveExactly(
  candidates: Points,
  real: Points,
  bandwidth: number,
  settings: SolveSettings,
): Promise<SolvedGroup> {
  const entries = candidates.size === 0 ? new Float32Array(0) : gram(candidates, candidates, bandwidth);
  const sums = kernelRowSums(candidates, real, bandwidth);
  const target = sums.map((sum) => sum / real.size);
  return { ...(await solved(denseMatrix(entries, candidates.size), target, settings)), others: null };
}

/** Weights in features, whose mean over the real records is `target`: 4 bytes a number of a candidate's features. */
export async function solveInFeatures(
  candidates: Points,
  features: AlignmentFeatures,
  target: Float64Array,
  settings: SolveSettings,
): Promise<SolvedGroup> {
  const { length } = features;
  const rows = new Float32Array(candidates.size * length);
  eachFeatures(features, candidates, (at, phi) => rows.set(phi, at * length));
  const kernel = featureMatrix(rows, candidates.size);
  const means = new Float64Array(candidates.size);
  kernel.dots(target, means);
  const solution = await solved(kernel, means, settings);
  return { ...solution, others: () => forOthers(kernel, target, solution, settings) };
}

function forOthers(
  kernel: FeatureMatrix,
  target: Float64Array,
  solution: MmdWeights,
  { cap, seed }: SolveSettings,
): Others {
  const { weights, shift, regularization } = solution;
  const synthetic = kernel.combine(weights);
  const bounds = { ridge: regularization * kernel.size, cap: cap / kernel.size };
  const own = ownPart({ kernel, weights, ...bounds, seed });
  return { witness: target.map((value, i) => value - (synthetic[i] ?? 0)), shift, own, ...bounds };
}

async function solved(kernel: KernelMatrix, target: Float64Array, settings: SolveSettings): Promise<MmdWeights> {
  const { regularization, cap, minEffectiveShare, signal, progress } = settings;
  const steps = mmdWeightSteps({ kernel, target, regularization, cap, minEffectiveShare });
  let turn = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - turn < turnMs) continue;
    progress(step.value.iterations, step.value.gap);
    await setImmediate();
    signal.throwIfAborted();
    turn = performance.now();
  }
}
