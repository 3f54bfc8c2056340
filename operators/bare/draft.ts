import { mergeMap, type OperatorFunction } from 'rxjs';
import type { Call } from '../../schemas/call.js';
import type { Domain } from '../../schemas/domain.js';
import type { Draft } from '../../schemas/draft.js';
import { recordId } from '../../schemas/ids.js';
import type { Plan } from '../../schemas/plan.js';
import type { Outcome } from '../flow/outcome.js';
import type { Completion, LanguageModel } from '../language-model.js';
import { type Meter, silent } from '../meter.js';
import { abortable } from './abortable.js';
import { deadOrThrow } from './model-failure.js';
import { type Parsed, type ParseFailure, parseFields } from './parse.js';
import { positiveInteger } from './positive-integer.js';
import { draftPrompt, promptIds, stops } from './prompts.js';
import { callOf, callSeed, type SamplingOverrides, sampled } from './sampling.js';
import { tagsOf } from './tags.js';

export interface DraftOptions {
  /** The base model, which continues raw text. */
  readonly model: LanguageModel;
  readonly domain: Domain;
  /** Plans that are drafted at once. @default the model's `maxInFlight` */
  readonly maxInFlight?: number;
  /** Model calls for one plan, each paid for, before it is dropped. @default 3 */
  readonly attempts?: number;
  /** @default temperature 0.7 and maxTokens 1000, as BARE; for models under 1B rather 0.9, topK 40, topP 0.95 */
  readonly sampling?: SamplingOverrides;
  /** Counts `draft_attempts`, and `draft_retries` by `reason`. @default counts nothing */
  readonly meter?: Meter;
}

interface Failure {
  /** `cut`: the answer did not end within `maxTokens`. */
  readonly reason: ParseFailure['reason'] | 'cut';
  readonly detail: string;
}

/**
 * Plans in, drafts by a base model out: the first stage of BARE (§3.1).
 *
 * Outcomes come as calls end, not in the order of plans. A plan is *emitted* with one draft; *dropped* when no attempt
 * gave an item, with the last attempt's reason `unparsable`, `empty` or `cut`; *dead* when the model refuses it or does
 * not answer (`prompt-too-long`, `grammar-invalid`, `endpoint-*`). Other errors of the model end the stream. A draft
 * depends on its plan alone: attempt k always has the same random seed and the draft the same id. Nothing is kept between
 * plans; plans beyond `maxInFlight` wait in memory, so the source must be bounded by credit. Unsubscribing aborts what is
 * in flight.
 *
 * @example
 * ```ts
 * const drafts = await lastValueFrom(from(plans).pipe(draft({ model, domain }), emitted(), toArray()));
 * ```
 */
export function draft(options: DraftOptions): OperatorFunction<Plan, Outcome<Plan, Draft>> {
  const { model, domain, meter = silent } = options;
  const maxInFlight = positiveInteger('maxInFlight', options.maxInFlight ?? model.maxInFlight);
  const attempts = positiveInteger('attempts', options.attempts ?? 3);
  const sampling = sampled({ temperature: 0.7, maxTokens: 1000 }, options.sampling);
  const tags = tagsOf(domain);

  async function drafted(plan: Plan, signal: AbortSignal): Promise<Outcome<Plan, Draft>> {
    const prompt = draftPrompt(domain, plan);
    const calls: Call[] = [];
    let failure: Failure | undefined;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (failure) meter.count('draft_retries', 1, { reason: failure.reason });
      meter.count('draft_attempts');
      const seed = callSeed(plan.randomSeed, 'base', attempt);
      let completion: Completion;
      try {
        completion = await model.complete({ ...prompt, ...sampling, seed, stop: stops, signal, cause: plan.id });
      } catch (error) {
        return deadOrThrow(plan, error, calls);
      }
      calls.push(callOf('base', promptIds.draft, sampling, seed, completion));
      const item = itemOf(completion);
      if ('fields' in item) {
        const record: Draft = {
          kind: 'draft',
          id: recordId('draft', plan.id, attempt),
          plan,
          fields: item.fields,
          calls,
        };
        return { kind: 'emitted', input: plan, outputs: [record] };
      }
      failure = item;
    }
    return {
      kind: 'dropped',
      input: plan,
      reason: failure?.reason ?? 'unparsable',
      detail: failure?.detail ?? '',
      calls,
    };
  }

  function itemOf({ text, finishReason }: Completion): Parsed | Failure {
    if (finishReason === 'length') return { reason: 'cut', detail: `no end within ${sampling.maxTokens} tokens` };
    return parseFields(text, tags);
  }

  return mergeMap((plan) => abortable((signal) => drafted(plan, signal)), maxInFlight);
}
