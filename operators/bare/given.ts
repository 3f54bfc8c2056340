import { map, type OperatorFunction } from 'rxjs';
import type { Draft } from '../../schemas/draft.js';
import type { Plan } from '../../schemas/plan.js';
import type { Outcome } from '../flow/outcome.js';
import { draftOf } from './attempts.js';

/**
 * Plans in, the texts that they were given out as drafts: what was written elsewhere is refined here.
 *
 * In order, one for each, without a call or state. A plan that has no text is dropped as `not-given`.
 *
 * @example
 * ```ts
 * const drafts = await lastValueFrom(from(plans).pipe(given(), emitted(), toArray()));
 * ```
 */
export function given(): OperatorFunction<Plan, Outcome<Plan, Draft>> {
  return map((plan) => {
    if (plan.given === undefined) {
      return { kind: 'dropped', input: plan, reason: 'not-given', detail: 'the plan has no text in place of a draft' };
    }
    return { kind: 'emitted', input: plan, outputs: [draftOf(plan, plan.given.fields, [], 0)] };
  });
}
