import type { Points } from '../../operators/kernels/points.js';
import {
  type AlignmentFeatures,
  type AlignmentFeaturesOptions,
  alignmentFeatures,
} from '../../operators/synalign/align/alignment-features.js';
import { pairsMs, plainLoopsMs } from '../threads/estimates.js';

/** Two sets of features by what they are made from, which can be sent to a thread. */
export interface TwoFeatures {
  /** Of the kernel that they stand for. */
  readonly bandwidth: number;
  /** Weights are fitted in these, */
  readonly fit: AlignmentFeaturesOptions;
  /** and judged by these. */
  readonly judge: AlignmentFeaturesOptions;
}

/** Points whose features are computed at a time. */
export const featureChunk = 256;

/** A cosine and a sine, in multiplications of plain loops. */
const circleWork = 40;

/** Each point in turn with its features, in an array that is overwritten. */
export function* eachFeatures(
  options: AlignmentFeaturesOptions | AlignmentFeatures,
  points: Points,
): Generator<readonly [at: number, features: Float64Array]> {
  const features = 'mapAll' in options ? options : alignmentFeatures(options);
  const { length } = features;
  const rows = new Float64Array(Math.min(featureChunk, points.size) * length);
  for (let from = 0; from < points.size; from += featureChunk) {
    const count = Math.min(featureChunk, points.size - from);
    const part = rows.subarray(0, count * length);
    part.fill(0);
    features.mapAll(points, part, from, count);
    for (let i = 0; i < count; i++) yield [from + i, part.subarray(i * length, (i + 1) * length)];
  }
}

/** How long the features of so many points take, about. */
export function featuresMs(count: number, { frequencies, dimensions }: AlignmentFeaturesOptions): number {
  return pairsMs(count * frequencies, dimensions) + plainLoopsMs(count * frequencies * circleWork);
}
