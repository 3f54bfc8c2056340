import { defer, map, type OperatorFunction } from 'rxjs';

import { recordId } from '../../../schemas/ids.js';
import type { Plan } from '../../../schemas/plan.js';
import type { Reasoned } from '../../../schemas/reasoned.js';
import type { Outcome } from '../../flow/outcome.js';
import type { Journal } from '../../journal.js';

/**
 * An operator on plans as one on reasoned plans. Kept: the plans that are inside the operator.
 *
 * @example
 * ```ts
 * const drafts = reasoned.pipe(ofReasoned(draft({ model, domain })), emitted());
 * ```
 */
export function ofReasoned<Out>(
  operator: OperatorFunction<Plan, Outcome<Plan, Out>>,
): OperatorFunction<Reasoned, Outcome<Reasoned, Out>> {
  return (source) =>
    defer(() => {
      const inside = new Map<Plan, Reasoned>();
      return source.pipe(
        map((reasoned) => {
          inside.set(reasoned.plan, reasoned);
          return reasoned.plan;
        }),
        operator,
        map((outcome) => {
          const input = inside.get(outcome.input);
          if (input === undefined) throw new TypeError('an operator ended a plan twice, or one that it was not given');
          inside.delete(outcome.input);
          return { ...outcome, input };
        }),
      );
    });
}

/** The journal of a stage that takes reasoned plans, as those see it whose causes are plans. */
export function journalOfPlans(journal: Journal): Journal {
  return {
    get: (request, cause) => journal.get(request, reasonedId(cause)),
    find: (request) => journal.find(request),
    put: (request, cause, completion) => journal.put(request, reasonedId(cause), completion),
  };
}

/** The id of the reasoned record of a plan. */
export function reasonedId(planId: string): string {
  return recordId('reasoned', planId);
}
