import { scopedMemory } from '../../operators/flow/scoped.js';
import { type MergedMmd, mergedMmd } from '../../operators/synalign/mmd/merged-mmd.js';
import type { Correction } from '../../schemas/correction.js';
import type { Recipe } from '../../schemas/recipe.js';

/** How far the recent samples of all lanes are from the recent real records of all lanes. */
export interface MergedCorrection extends MergedMmd {
  /** The newest of each lane that has one. */
  readonly lanes: readonly Pick<Correction, 'lane' | 'mmd2' | 'bandwidth' | 'accepted' | 'at'>[];
}

/** Embeddings of each side that are looked at: a second of work with the default model. */
const embeddings = 4096;
const leastOfLane = 8;

/** Whether a key of the stage `align` is needed for a merged correction. */
export function isMmdKey(key: string): boolean {
  return key.startsWith('mmd/');
}

/**
 * The lanes' windows compared as one, beside what each lane says of itself; null where nothing is compared yet. `memories` are those
 * of the stage `align`, by lane. See `mergedMmd` for why it is computed anew, and for its errors.
 */
export function mergedCorrection(
  { seed, steps }: Recipe,
  memories: readonly ReadonlyMap<string, unknown>[],
  newest: readonly Correction[],
): MergedCorrection | null {
  if (steps.rollingMmd === 'off') return null;
  const { frequencies } = steps.rollingMmd;
  const merged = mergedMmd({
    memories: memories.map((memory) => scopedMemory(memory, 'mmd')),
    seed,
    frequencies,
    newest: Math.max(leastOfLane, Math.floor(embeddings / Math.max(memories.length, 1))),
  });
  if (merged === undefined) return null;
  const lanes = newest.map(({ lane, mmd2, bandwidth, accepted, at }) => ({ lane, mmd2, bandwidth, accepted, at }));
  return { ...merged, lanes };
}
