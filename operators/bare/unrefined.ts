import { map, type OperatorFunction } from 'rxjs';
import type { Draft } from '../../schemas/draft.js';
import { recordId } from '../../schemas/ids.js';
import type { Refined } from '../../schemas/refined.js';
import type { Outcome } from '../flow/outcome.js';

/**
 * Drafts in, the same texts as refined records out: the ablation without a second model.
 *
 * In order, one for each, without state; `keptBecause` is `refine-off`.
 *
 * @example
 * ```ts
 * const records = await lastValueFrom(from(drafts).pipe(unrefined(), emitted(), toArray()));
 * ```
 */
export function unrefined(): OperatorFunction<Draft, Outcome<Draft, Refined>> {
  return map((draft) => ({ kind: 'emitted', input: draft, outputs: [keptDraft(draft, 'refine-off', draft.calls)] }));
}

/** The refined record of a draft that stays as it is. */
export function keptDraft(draft: Draft, keptBecause: string, calls: Refined['calls']): Refined {
  return { ...refinedOf(draft, draft.fields, calls), kept: 'draft', keptBecause };
}

/** The refined record of a draft whose text is now `fields`. */
export function refinedOf(draft: Draft, fields: Refined['fields'], calls: Refined['calls']): Refined {
  return {
    kind: 'refined',
    id: recordId('refined', draft.id),
    plan: draft.plan,
    draft: { id: draft.id, fields: draft.fields },
    fields,
    kept: 'refined',
    calls,
  };
}
