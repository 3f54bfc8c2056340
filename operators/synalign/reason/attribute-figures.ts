import { attributeTotalsIn, isUse } from './attribute-store.js';
import { isValueCount, type ValueCount, valueCountsIn } from './value-counts.js';

/** What the attributes of a lane come to. */
export interface AttributeFigures {
  /** Plans that were given to an answer. */
  readonly plans: number;
  /** Regions whose answers are kept. */
  readonly regions: number;
  /** Of the plans with attributes whose endings have counted: all, and those that became a sample. */
  readonly ended: number;
  readonly accepted: number;
  /** By the attribute's name, its values in lower case with how many plans had them: most frequent first, names by their plans. */
  readonly values: Readonly<Record<string, readonly Omit<ValueCount, 'name'>[]>>;
}

/** Whether a key of a reasoning stage's memory is needed for its figures. */
export function isAttributeFigure(key: string): boolean {
  return isValueCount(key) || isUse(key) || key === 'totals';
}

/** From the memory of a reasoning stage, or those of its keys that figures need. Counts are bounds as `ValueCounts` says. */
export function attributeFiguresOf(memory: ReadonlyMap<string, unknown>): AttributeFigures {
  const { begun, ended, accepted } = attributeTotalsIn(memory);
  const values = new Map<string, Omit<ValueCount, 'name'>[]>();
  for (const { name, value, count } of valueCountsIn(memory)) {
    values.set(name, [...(values.get(name) ?? []), { value, count }]);
  }
  const plansOf = (counts: readonly { readonly count: number }[]) => counts.reduce((sum, { count }) => sum + count, 0);
  const byPlans = [...values].sort(([, a], [, b]) => plansOf(b) - plansOf(a));
  return {
    plans: begun,
    regions: [...memory.keys()].filter(isUse).length,
    ended,
    accepted,
    values: Object.fromEntries(byPlans),
  };
}
