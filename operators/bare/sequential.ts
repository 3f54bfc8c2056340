import { concatMap, defer, from, map, type OperatorFunction } from 'rxjs';
import type { Draft } from '../../schemas/draft.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Fields } from '../../schemas/example.js';
import { fields as fieldsSchema } from '../../schemas/example.js';
import type { Plan } from '../../schemas/plan.js';
import type { Changes, Outcome } from '../flow/outcome.js';
import { abortable } from '../prompting/abortable.js';
import { chatLayout } from '../prompting/layouts/chat-layout.js';
import { positiveInteger } from '../prompting/positive-integer.js';
import { promptId, sequentialMessages } from '../prompting/prompts.js';
import { drafted, writerOf } from './attempts.js';
import type { FewShotOptions } from './few-shot.js';
import { advanced, type Batch, byGroup, isLast, restoredPlace } from './groups.js';

export interface SequentialOptions extends Omit<FewShotOptions, 'maxInFlight'> {
  /** What the operator's memory held at the last commit: `next`, and `text/<place>` of the group that is begun. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** Groups that are written at once, each with one call in flight. @default the model's `maxInFlight` */
  readonly maxInFlight?: number;
}

/**
 * Plans in, drafts out of which each was asked to differ from those of its group before it (BARE's "sequential").
 *
 * The prompt of a plan lists its examples and all texts of its group so far, which the draft keeps as `shown`: but for its last paragraphs,
 * the prompt of one is the head of the next one's. Outcomes are those of `draft`, in the order of the plans; a plan that gave no text is
 * shown to none. The memory holds the texts of at most one group, and is cleared when the group ends, so that a restart after any outcome
 * asks the same. `byGroup` says what becomes of plans that come out of order. In memory: the plans of the groups that came.
 *
 * @example
 * ```ts
 * const drafts = plans.pipe(sequential({ model, domain, memory: new Map() }), emitted());
 * ```
 */
export function sequential(options: SequentialOptions): OperatorFunction<Plan, Outcome<Plan, Draft>> {
  const { model, domain, memory } = options;
  const maxInFlight = positiveInteger('maxInFlight', options.maxInFlight ?? model.maxInFlight);
  const writer = writerOf('instruct', 1, options);
  const layout = chatLayout(domain, model.id, options);
  const begun = restoredPlace(memory);

  function write(batch: Batch) {
    return defer(() => {
      /** The texts of the group so far, in its order. */
      const shown = begun?.number === batch.from?.number ? restoredTexts(memory, batch.from?.place ?? 0) : [];
      return from(batch.plans).pipe(
        concatMap((plan) => {
          const question = {
            promptId: promptId('sequential', layout, plan),
            request: { messages: sequentialMessages(domain, layout, plan, shown), ...layout.structure },
            parse: layout.parse,
            shown: [...shown],
          };
          return abortable((signal) => drafted(writer, plan, question, signal));
        }),
        map((outcome) => {
          const text = outcome.kind === 'emitted' ? outcome.outputs[0]?.fields : undefined;
          if (text !== undefined) shown.push(text);
          const changes = [...advanced(batch, outcome.input), ...kept(batch, outcome.input, text)];
          return changes.length > 0 ? { ...outcome, changes } : outcome;
        }),
      );
    });
  }

  return byGroup(memory, maxInFlight, write);
}

/** The text is kept for the rest of the group; with its last plan all are forgotten. */
function kept({ from: start }: Batch, plan: Plan, text: Fields | undefined): Changes {
  const { group } = plan;
  if (start === undefined || group === undefined) return [];
  if (!isLast(plan)) return [[textKey(group.place), text ?? null]];
  return Array.from({ length: group.size - 1 }, (_, place) => [textKey(place), null] as const);
}

/** Those before a place: what a group that never ended has left behind it does not count. */
function restoredTexts(memory: ReadonlyMap<string, unknown>, before: number): Fields[] {
  return Array.from({ length: before }, (_, place) => memory.get(textKey(place))).flatMap((value) => {
    if (value === undefined || value === null) return [];
    const text = fieldsSchema.safeParse(value);
    if (text.success) return [text.data];
    const what = `the memory of an operator holds ${JSON.stringify(value)} where the texts of a group belong`;
    throw new HeadwaterError('record-invalid', what);
  });
}

function textKey(place: number): string {
  return `text/${place}`;
}
