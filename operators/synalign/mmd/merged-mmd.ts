import { HeadwaterError } from '../../../schemas/errors.js';
import { FeatureSum, unbiasedMmd2OfSums } from '../../kernels/mmd/feature-sum.js';
import { randomFeatures } from '../../kernels/mmd/random-features.js';
import { EmbeddingWindow } from './embedding-window.js';

/** How the lanes' windows are compared. */
export interface MergedMmdOptions {
  /** Of each lane: what its `rollingMmd` left. */
  readonly memories: readonly ReadonlyMap<string, unknown>[];
  /** Of the random frequencies; that of the lanes gives the same frequencies. */
  readonly seed: number;
  /** @default 512 */
  readonly frequencies?: number;
  /**
   * Embeddings that are taken of each window, the newest ones.
   * @default all
   */
  readonly newest?: number;
}

/** The windows of all lanes as two. */
export interface MergedMmd {
  /** Unbiased squared MMD; may be negative. */
  readonly mmd2: number;
  /** Of the one kernel that all windows are held against: the median of the lanes' own. */
  readonly bandwidth: number;
  readonly frequencies: number;
  readonly embedder: string;
  readonly synthetic: { readonly size: number };
  readonly real: { readonly size: number; readonly seen: number };
}

/** Embeddings that each side must have before it is compared. */
const leastCompared = 8;

/**
 * The rolling MMD of lanes as one, over the union of their windows: sums of features merge by addition.
 *
 * A lane's own sums do not add to another's, as each lane has a bandwidth of its own, by its own real records. So the windows,
 * which its memory holds as embeddings, are summed anew with one bandwidth. O(embeddings x frequencies x dimensions).
 *
 * Undefined while no lane has a bandwidth, or either side has fewer than 8 embeddings. Throws `HeadwaterError` with `data-foreign`
 * where the lanes' embeddings are of different models, and `record-invalid` where a memory is damaged; `RangeError` where a side
 * has more than 131,072 embeddings.
 *
 * @example
 * ```ts
 * const merged = mergedMmd({ memories: [memoryOfLane0, memoryOfLane1], seed: 7 });
 * ```
 */
export function mergedMmd(options: MergedMmdOptions): MergedMmd | undefined {
  const { memories, seed, frequencies = 512, newest = Number.POSITIVE_INFINITY } = options;
  const begun = memories.filter((memory) => memory.has('shape'));
  const bandwidth = median(begun.flatMap((memory) => numberOf(memory.get('bandwidth'))));
  const shape = shapeOf(begun);
  if (bandwidth === undefined || shape === undefined) return undefined;
  const { embedder, dimensions, capacity } = shape;
  const features = randomFeatures({ dimensions, frequencies, bandwidth, seed });
  const synthetic = new FeatureSum(frequencies);
  const real = new FeatureSum(frequencies);
  let seen = 0;
  for (const memory of begun) {
    const sumOf = (name: string) => {
      const window = new EmbeddingWindow({ name, capacity, dimensions, memory });
      const part = new EmbeddingWindow({
        name,
        capacity: Math.min(capacity, newest),
        dimensions,
        memory: new Map(),
        keptFeatures: 0,
      });
      part.useFeatures(features);
      for (const embedding of window.newest(newest)) part.push(embedding);
      return { sum: part.sum, seen: window.seen };
    };
    synthetic.merge(sumOf('synthetic').sum);
    const measured = sumOf('real');
    real.merge(measured.sum);
    seen += measured.seen;
  }
  if (Math.min(synthetic.size, real.size) < leastCompared) return undefined;
  return {
    mmd2: unbiasedMmd2OfSums(synthetic, real),
    bandwidth,
    frequencies,
    embedder,
    synthetic: { size: synthetic.size },
    real: { size: real.size, seen },
  };
}

/** `embedder dimensions window`, as the lanes have kept it. */
function shapeOf(memories: readonly ReadonlyMap<string, unknown>[]) {
  const shapes = [...new Set(memories.map((memory) => String(memory.get('shape'))))];
  const [shape] = shapes;
  if (shape === undefined) return undefined;
  if (shapes.length > 1) {
    const text = `the lanes' embeddings have no distance, being of '${shapes.join("', '")}' (embedder, dimensions, window)`;
    throw new HeadwaterError('data-foreign', `${text}: start with a new data folder`);
  }
  const [, embedder = '', dimensions, capacity] = /^(.*) (\d+) (\d+)$/.exec(shape) ?? [];
  if (dimensions !== undefined && capacity !== undefined) {
    return { embedder, dimensions: Number(dimensions), capacity: Number(capacity) };
  }
  throw new HeadwaterError('record-invalid', `the memory of a rolling MMD holds the shape '${shape}'`);
}

function numberOf(value: unknown): readonly number[] {
  return typeof value === 'number' ? [value] : [];
}

/** Of an even number, the mean of the middle two. */
function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
