import fc from 'fast-check';
import type { Plan } from '../../../schemas/plan.js';
import { mailPlan } from './mail.js';

/** Plans in whole groups of these sizes, as the planner sends them. */
export function groupPlans(...sizes: readonly number[]): readonly Plan[] {
  let ordinal = 0;
  return sizes.flatMap((size, number) =>
    Array.from({ length: size }, (_, place) => mailPlan(ordinal++, { group: { number, place, size } })),
  );
}

export const groupedPlans: fc.Arbitrary<readonly Plan[]> = fc
  .array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 })
  .map((sizes) => groupPlans(...sizes));
