import type { Points } from '../../operators/kernels/points.js';
import { HeldVectors, type VectorRecord } from '../files/held-vectors.js';
import { tooFewRecords } from '../files/skips.js';
import type { TwoFeatures } from './each-features.js';
import type { FeatureMeans } from './feature-means.js';
import type { VectorBatches } from './vector-batches.js';

/** Real records that are held, and that the bandwidth is taken from: of more, only sums are kept. */
export const heldReal = 65_536;

/** A file of real records that was read to its end. */
export interface RealSide {
  readonly count: number;
  /** Of each label; one entry for all where no labels are read. */
  readonly counts: ReadonlyMap<string | undefined, number>;
  /** All records, where there are at most `heldReal`. */
  readonly held: HeldVectors | null;
  readonly features: TwoFeatures | null;
  /** Sums of features, where not all records are held. */
  readonly means: FeatureMeans | null;
}

/**
 * Reads the real records: held while they are few, else as sums of features by label, so that memory is bounded.
 *
 * Where they are not few, `featuresOf` is asked once, with the first records, whose bandwidth the kernel gets; then `meansOf`, for what they come
 * to. Rejects with `input-unreadable` for none.
 */
export async function readReal(
  batches: VectorBatches,
  most: number,
  featuresOf: (first: Points) => Promise<TwoFeatures>,
  meansOf: (features: TwoFeatures, held: HeldVectors) => Promise<FeatureMeans>,
): Promise<RealSide> {
  const counts = new Map<string | undefined, number>();
  const held = new HeldVectors(most, 0);
  let means: FeatureMeans | null = null;
  let features: TwoFeatures | null = null;
  let overflow: VectorRecord[] = [];
  let count = 0;
  for await (const batch of batches.batches()) {
    for (const record of batch) {
      count++;
      counts.set(record.label, (counts.get(record.label) ?? 0) + 1);
      if (held.size < most) held.add(record);
      else overflow.push(record);
    }
    if (overflow.length === 0) continue;
    features ??= await featuresOf(held.points);
    means ??= await meansOf(features, held);
    means.addAll(overflow);
    overflow = [];
  }
  if (count === 0) throw tooFewRecords(batches.name, batches.skipped);
  return { count, counts, held: means === null ? held : null, features, means };
}
