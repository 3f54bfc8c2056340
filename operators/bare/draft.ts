import { mergeMap, type OperatorFunction } from 'rxjs';
import type { Domain } from '../../schemas/domain.js';
import type { Draft } from '../../schemas/draft.js';
import type { Plan } from '../../schemas/plan.js';
import type { LayoutName } from '../../schemas/steps/writing.js';
import type { Outcome } from '../flow/outcome.js';
import { abortable } from '../prompting/abortable.js';
import { layoutFor, layouts } from '../prompting/layouts/layout-for.js';
import { positiveInteger } from '../prompting/positive-integer.js';
import { draftPrompt, promptId } from '../prompting/prompts.js';
import { drafted, type WriterOptions, writerOf } from './attempts.js';

/** `model` is the base model, which continues raw text; sampled at temperature 0.7 and 1000 tokens, as BARE, where nothing is said. */
export interface DraftOptions extends WriterOptions {
  readonly domain: Domain;
  /** How examples stand in the prompt. @default by the family of the model */
  readonly layout?: LayoutName | undefined;
  /** Plans that are drafted at once. @default the model's `maxInFlight` */
  readonly maxInFlight?: number;
}

/**
 * Plans in, drafts by a base model out: the first stage of BARE (§3.1).
 *
 * Outcomes come as calls end, not in the order of plans. A plan is *emitted* with one draft; *dropped* when no attempt
 * gave an item, with the last attempt's reason `unparsable`, `empty` or `cut`; *dead* when the model refuses it or does
 * not answer (`prompt-too-long`, `grammar-invalid`, `endpoint-*`). Other errors of the model end the stream. A draft
 * depends on its plan alone: attempt k always has the same random seed and the draft the same id. Nothing is kept between
 * plans; plans beyond `maxInFlight` wait in memory, so the source must be bounded by credit. Unsubscribing aborts what is
 * in flight. A plan's persona is not shown: base models are told nothing.
 *
 * @example
 * ```ts
 * const drafts = await lastValueFrom(from(plans).pipe(draft({ model, domain }), emitted(), toArray()));
 * ```
 */
export function draft(options: DraftOptions): OperatorFunction<Plan, Outcome<Plan, Draft>> {
  const { model, domain } = options;
  const maxInFlight = positiveInteger('maxInFlight', options.maxInFlight ?? model.maxInFlight);
  const writer = writerOf('base', 0.7, options);
  const layout = layouts[options.layout ?? layoutFor(model.id, 'raw')](domain);

  function question(plan: Plan) {
    return {
      promptId: promptId('draft', layout, plan),
      request: { ...draftPrompt(domain, layout, plan), stop: layout.rawStops },
      parse: (text: string) => layout.parseRaw(text, plan.document !== undefined),
    };
  }

  return mergeMap((plan) => abortable((signal) => drafted(writer, plan, question(plan), signal)), maxInFlight);
}
