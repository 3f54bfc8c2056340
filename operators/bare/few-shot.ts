import { mergeMap, type OperatorFunction } from 'rxjs';
import type { Domain } from '../../schemas/domain.js';
import type { Draft } from '../../schemas/draft.js';
import type { Plan } from '../../schemas/plan.js';
import type { LayoutName } from '../../schemas/steps/writing.js';
import type { Outcome } from '../flow/outcome.js';
import { abortable } from '../prompting/abortable.js';
import { chatLayout } from '../prompting/layouts/chat-layout.js';
import { positiveInteger } from '../prompting/positive-integer.js';
import { fewShotMessages, promptId } from '../prompting/prompts.js';
import { drafted, type WriterOptions, writerOf } from './attempts.js';

/** `model` is an instruct model, which answers a conversation; sampled at temperature 1.0, as BARE's baseline, and 1000 tokens. */
export interface FewShotOptions extends WriterOptions {
  readonly domain: Domain;
  /** How examples and answers stand in the conversation, where `answer` is `tags`. @default by the family of the model */
  readonly layout?: LayoutName | undefined;
  /** `json`: answers are objects, bound by a schema where the engine can. @default `tags` */
  readonly answer?: 'tags' | 'json' | undefined;
  /** Plans that are written at once. @default the model's `maxInFlight` */
  readonly maxInFlight?: number;
}

/**
 * Plans in, drafts by an instruct model out: the few-shot baseline of BARE.
 *
 * Each plan is asked for on its own, with its examples, its persona ("You are ...") and its document, in one user message. Outcomes,
 * failures, random seeds, memory and order are those of `draft`.
 *
 * @example
 * ```ts
 * const drafts = await lastValueFrom(from(plans).pipe(fewShot({ model, domain, answer: 'json' }), emitted(), toArray()));
 * ```
 */
export function fewShot(options: FewShotOptions): OperatorFunction<Plan, Outcome<Plan, Draft>> {
  const { model, domain } = options;
  const maxInFlight = positiveInteger('maxInFlight', options.maxInFlight ?? model.maxInFlight);
  const writer = writerOf('instruct', 1, options);
  const layout = chatLayout(domain, model.id, options);

  function question(plan: Plan) {
    return {
      promptId: promptId('few-shot', layout, plan),
      request: { messages: fewShotMessages(domain, layout, plan), ...layout.structure },
      parse: layout.parse,
    };
  }

  return mergeMap((plan) => abortable((signal) => drafted(writer, plan, question(plan), signal)), maxInFlight);
}
