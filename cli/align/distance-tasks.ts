import { kernelRowSums, kernelSum } from '../../operators/kernels/mmd/gram.js';
import type { Points } from '../../operators/kernels/points.js';
import type { AlignmentFeaturesOptions } from '../../operators/synalign/align/alignment-features.js';
import { pairsMs } from '../threads/estimates.js';
import { steppedTask } from '../threads/task.js';
import { eachFeatures, featureChunk, featuresMs } from './each-features.js';

/** Squared MMD of the candidates to the real records, biased, by even weights and by those that were found. */
export interface Distances {
  readonly before: number;
  readonly after: number;
}

interface WeightedCandidates {
  readonly candidates: Points;
  /** Of the candidates; each adds up to 1. */
  readonly even: Float64Array;
  readonly fitted: Float64Array;
}

export interface ExactDistancesJob extends WeightedCandidates {
  readonly real: Points;
  readonly bandwidth: number;
}

export interface FeatureDistancesJob extends WeightedCandidates {
  readonly features: AlignmentFeaturesOptions;
  /** The mean features of the real records. */
  readonly target: Float64Array;
}

const place = { module: import.meta.url, does: 'computes the distances', remedy: 'try a smaller --sample' };

/** By the kernel of all pairs, none of which is kept. */
export const exactDistances = steppedTask<ExactDistancesJob, Distances, number>(
  {
    ...place,
    name: 'exactDistances',
    estimatedMs: ({ candidates, real }) => pairsMs(pairsOf(candidates, real), real.dimensions),
  },
  function* ({ candidates: y, real: x, bandwidth, even, fitted }, tell) {
    const total = pairsOf(y, x);
    let done = 0;
    const part = (pairs: number) => {
      const before = done;
      done += pairs;
      return { progress: (share: number) => tell((before + share * pairs) / total) };
    };
    const within = kernelSum(x, x, bandwidth, part(x.size ** 2 / 2)) / x.size ** 2;
    yield;
    const across = kernelRowSums(y, x, bandwidth, part(x.size * y.size));
    yield;
    const distance = (weights: Float64Array) => {
      const own = kernelRowSums(y, y, bandwidth, { weights, ...part(y.size ** 2 / 2) });
      return within + weights.reduce((sum, w, i) => sum + w * ((own[i] ?? 0) - (2 * (across[i] ?? 0)) / x.size), 0);
    };
    const before = distance(even);
    yield;
    return { before, after: distance(fitted) };
  },
);

/** In features, whose squared distance of means stands for the MMD. */
export const featureDistances = steppedTask<FeatureDistancesJob, Distances, number>(
  {
    ...place,
    name: 'featureDistances',
    estimatedMs: ({ candidates, features }) => featuresMs(candidates.size, features),
  },
  function* ({ candidates, features, target, even, fitted }, tell) {
    const [before, after] = [target.slice(), target.slice()];
    for (const [at, phi] of eachFeatures(features, candidates)) {
      const [a, b] = [even[at] ?? 0, fitted[at] ?? 0];
      for (let i = 0; i < phi.length; i++) {
        before[i] = (before[i] ?? 0) - a * (phi[i] ?? 0);
        after[i] = (after[i] ?? 0) - b * (phi[i] ?? 0);
      }
      if ((at + 1) % featureChunk > 0) continue;
      tell((at + 1) / candidates.size);
      yield;
    }
    const squares = (vector: Float64Array) => vector.reduce((sum, value) => sum + value * value, 0);
    return { before: squares(before), after: squares(after) };
  },
);

function pairsOf(candidates: Points, real: Points): number {
  const [n, m] = [candidates.size, real.size];
  return n * n + n * m + (m * m) / 2;
}
