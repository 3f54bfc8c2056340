import type { Recipe } from '../../schemas/recipe.js';
import type { InputKind } from '../inputs/to-record.js';

/** Records of an input that is read to its end, without which a lane would wait for ever. */
export function leastOf(kind: InputKind, { steps, topics }: Recipe): number {
  if (kind !== 'real') return 1;
  if (steps.explore !== 'off') return steps.explore.examples * topics.partitions;
  return steps.draft.from === 'real' ? steps.draft.examples * topics.partitions : 0;
}

/** What an input has, and what it should. */
export interface InputSize {
  /** As messages call it. */
  readonly name: string;
  readonly records: number;
  readonly least: number;
  readonly partitions: number;
}

/** That an input has too few records for its lanes, and what to do; undefined where it has enough. */
export function tooFew({ name, records, least, partitions }: InputSize): string | undefined {
  if (records >= least) return undefined;
  return `${name} has ${records} usable records, and ${partitions} lanes need ${least}: add some, or lower topics.partitions`;
}
