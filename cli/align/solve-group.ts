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
import type { MmdWeights, MmdWeightsProgress } from '../../operators/kernels/weights/solved-weights.js';
import { type AlignmentFeaturesOptions, alignmentFeatures } from '../../operators/synalign/align/alignment-features.js';
import { pairsMs, plainLoopsMs } from '../threads/estimates.js';
import { steppedTask, type Tell } from '../threads/task.js';
import { eachFeatures, featureChunk, featuresMs } from './each-features.js';
import { pointsAt } from './points-at.js';

/** What weights may be. */
export interface WeightLimits {
  readonly regularization: number;
  readonly cap: number;
  readonly minEffectiveShare: number;
}

/** The weights of candidates, and what those of others can be read off. */
export interface SolvedGroup extends MmdWeights {
  /** Null where no others were asked for. */
  readonly others: Others | null;
}

/** What the weights of candidates are read off that were not solved for. */
export interface Others extends OutOfSample {
  /** Mean features of the real records less those of the weighted candidates. */
  readonly witness: Float64Array;
}

/** The share of the kernel, or of the features, that is there; then how far the weights are. */
export type GroupProgress = { readonly share: number } | MmdWeightsProgress;

/** Some of the candidates, such as those of a label. */
interface GroupJob extends WeightLimits {
  readonly candidates: Points;
  readonly places: Uint32Array;
}

export interface ExactJob extends GroupJob {
  readonly real: Points;
  readonly realPlaces: Uint32Array;
  readonly bandwidth: number;
}

export interface FeatureJob extends GroupJob {
  readonly features: AlignmentFeaturesOptions;
  /** The mean features of the real records. */
  readonly target: Float64Array;
  /** Of what is drawn for `others`. */
  readonly seed: number;
  /** Whether there are candidates beside those that are solved for. */
  readonly withOthers: boolean;
}

/** Steps that a solution takes, to estimate how long. */
const usualSteps = 300;

const place = { module: import.meta.url, does: 'solves for the weights', remedy: 'try a smaller --sample' };

/** Weights by the kernel of all pairs: 4 bytes for each pair of candidates. */
export const exactWeights = steppedTask<ExactJob, SolvedGroup, GroupProgress>(
  {
    ...place,
    name: 'exactWeights',
    estimatedMs: ({ places: { length: n }, realPlaces: { length: m }, real: { dimensions } }) =>
      pairsMs((n * n) / 2 + n * m, dimensions) + plainLoopsMs(usualSteps * n * n),
  },
  function* ({ candidates: all, places, real: allReal, realPlaces, bandwidth, ...limits }, tell) {
    const [candidates, real] = [pointsAt(all, places), pointsAt(allReal, realPlaces)];
    const [n, m] = [candidates.size, real.size];
    const own = n / (n + 2 * m);
    const entries = gram(candidates, candidates, bandwidth, { progress: (share) => tell({ share: share * own }) });
    yield;
    const progress = (share: number) => tell({ share: own + share * (1 - own) });
    const sums = kernelRowSums(candidates, real, bandwidth, { progress });
    yield;
    const target = sums.map((sum) => sum / m);
    return { ...(yield* solved(denseMatrix(entries, n), target, limits, tell)), others: null };
  },
);

/** Weights in features: 4 bytes a number of a candidate's features. */
export const featureWeights = steppedTask<FeatureJob, SolvedGroup, GroupProgress>(
  {
    ...place,
    name: 'featureWeights',
    estimatedMs: ({ places: { length: n }, features, target }) =>
      featuresMs(n, features) + plainLoopsMs(2 * usualSteps * n * target.length),
  },
  function* ({ candidates: all, places, features: options, target, seed, withOthers, ...limits }, tell) {
    const candidates = pointsAt(all, places);
    const features = alignmentFeatures(options);
    const { length } = features;
    const rows = new Float32Array(candidates.size * length);
    for (const [at, phi] of eachFeatures(features, candidates)) {
      rows.set(phi, at * length);
      if ((at + 1) % featureChunk > 0) continue;
      tell({ share: (at + 1) / candidates.size });
      yield;
    }
    const kernel = featureMatrix(rows, candidates.size);
    const means = new Float64Array(candidates.size);
    kernel.dots(target, means);
    const solution = yield* solved(kernel, means, limits, tell);
    return { ...solution, others: withOthers ? forOthers(kernel, target, solution, limits.cap, seed) : null };
  },
);

function* solved(
  kernel: KernelMatrix,
  target: Float64Array,
  limits: WeightLimits,
  tell: Tell<GroupProgress>,
): Generator<undefined, MmdWeights> {
  const steps = mmdWeightSteps({ kernel, target, ...limits });
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    tell(step.value);
    yield;
  }
}

function forOthers(
  kernel: FeatureMatrix,
  target: Float64Array,
  { weights, shift, regularization }: MmdWeights,
  cap: number,
  seed: number,
): Others {
  const synthetic = kernel.combine(weights);
  const bounds = { ridge: regularization * kernel.size, cap: cap / kernel.size };
  const own = ownPart({ kernel, weights, ...bounds, seed });
  return { witness: target.map((value, i) => value - (synthetic[i] ?? 0)), shift, own, ...bounds };
}
