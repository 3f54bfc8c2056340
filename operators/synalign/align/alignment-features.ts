import { randomFeatures } from '../../kernels/mmd/random-features.js';
import type { Points } from '../../kernels/points.js';
import { hashUint32 } from '../../kernels/random.js';

/** A map from embeddings to numbers whose dot product is the kernel in which two distributions are matched. */
export interface AlignmentFeatures {
  /** Numbers of an embedding's features: even, each at most 1. */
  readonly length: number;
  /** Writes the features `[length]` of an embedding. */
  map(vector: Float32Array, features: Float64Array): void;
  /** Writes those of `count` points from the point `from`: `Float64Array [count, length]`; faster than one by one. */
  mapAll(points: Points, features: Float64Array, from: number, count: number): void;
}

export interface AlignmentFeaturesOptions {
  readonly objective: 'kernel' | 'projections';
  readonly dimensions: number;
  /** Of the RBF kernel, where that is the objective. */
  readonly frequencies: number;
  readonly bandwidth: number;
  readonly seed: number;
}

/**
 * Random Fourier features for `kernel`; for `projections` the embedding itself, which is what random projections see on average.
 *
 * The frequencies are others than those of the rolling MMD with the same seed: what is fitted with some must not be judged by them.
 */
export function alignmentFeatures(options: AlignmentFeaturesOptions): AlignmentFeatures {
  const { objective, dimensions, frequencies, bandwidth, seed } = options;
  if (objective === 'kernel') {
    const features = randomFeatures({ dimensions, frequencies, bandwidth, seed: hashUint32(seed, 'alignment') });
    return { length: 2 * frequencies, map: features.map, mapAll: features.mapAll };
  }
  const length = 2 * Math.ceil(dimensions / 2);
  return {
    length,
    map: (vector, features) => features.set(vector),
    mapAll: ({ data }, features, from, count) => {
      for (let i = 0; i < count; i++) {
        const start = (from + i) * dimensions;
        features.set(data.subarray(start, start + dimensions), i * length);
      }
    },
  };
}
