import { concatMap, from, type Observable, type OperatorFunction } from 'rxjs';
import { z } from 'zod';
import { type Call, call as callSchema } from '../../schemas/call.js';
import type { Draft } from '../../schemas/draft.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { fields as fieldsSchema } from '../../schemas/example.js';
import type { Plan } from '../../schemas/plan.js';
import type { Changes, Outcome } from '../flow/outcome.js';
import type { Completion } from '../language-model.js';
import { abortable } from '../prompting/abortable.js';
import { chatLayout } from '../prompting/layouts/chat-layout.js';
import type { Layout } from '../prompting/layouts/layout.js';
import { positiveInteger } from '../prompting/positive-integer.js';
import { inOneMessages, promptId } from '../prompting/prompts.js';
import { type Failure, longestAnswer, tooLong } from '../prompting/read-answer.js';
import { answered, deadPlan, draftOf, Refusal, writerOf } from './attempts.js';
import { shareOf } from './call-share.js';
import { advanced, type Batch, byGroup, isLast, restoredPlace } from './groups.js';
import type { SequentialOptions } from './sequential.js';

/** `memory` holds `next`, and `answer` while the plans of an answer are ended one by one. */
export type InOneOptions = SequentialOptions;

const text = z.union([
  z.strictObject({ fields: fieldsSchema }),
  z.strictObject({ reason: z.enum(['unparsable', 'empty', 'cut']), detail: z.string() }),
]);

/** What an answer held for the plans of a batch, and what it cost. */
const answerSchema = z.object({
  /** The places of the first and last plan that it is for. */
  first: z.int(),
  last: z.int(),
  attempt: z.int(),
  texts: z.array(text),
  calls: z.array(callSchema),
});

type Answer = z.infer<typeof answerSchema>;
type Text = z.infer<typeof text>;

const answerKey = 'answer';

/**
 * Plans in, drafts out that one call wrote for a whole group (BARE's "in-one").
 *
 * The i-th text of the answer is the draft of the group's i-th plan. Texts are closed by a marker; the last counts without it too,
 * unless the answer was cut. A plan whose text is missing or cannot be read is *dropped* alone (`unparsable`, `empty`, `cut`);
 * the call is repeated, up to `attempts` times, only where not one text can be read. An answer may have `maxTokens` for each
 * text. Each draft carries its share of the calls: tokens add up exactly. Where the model refuses, all plans of the group are
 * *dead*. Outcomes come in the order of the plans. The memory holds one answer while its plans are ended, so that a restart
 * after any outcome asks nothing twice; `byGroup` says what becomes of plans that come out of order.
 *
 * @example
 * ```ts
 * const drafts = plans.pipe(inOne({ model, domain, memory: new Map() }), emitted());
 * ```
 */
export function inOne(options: InOneOptions): OperatorFunction<Plan, Outcome<Plan, Draft>> {
  const { model, domain, memory } = options;
  const maxInFlight = positiveInteger('maxInFlight', options.maxInFlight ?? model.maxInFlight);
  const writer = writerOf('instruct', 1, options);
  const layout = chatLayout(domain, model.id, options);
  const begun = restoredPlace(memory);

  async function asked(batch: Batch, signal: AbortSignal): Promise<readonly Outcome<Plan, Draft>[]> {
    const { plans } = batch;
    const [first] = plans;
    if (first === undefined) return [];
    const { schema } = layout;
    const question = {
      promptId: promptId('in-one', layout, first),
      request: { messages: inOneMessages(domain, layout, plans), ...(schema && { schema: schema.several }) },
      maxTokens: writer.sampling.maxTokens * plans.length,
      read: (completion: Completion, maxTokens: number) => readTexts(completion, layout, plans.length, maxTokens),
    };
    const places = { first: first.group?.place ?? 0, last: plans.at(-1)?.group?.place ?? 0 };
    try {
      const result = await answered(writer, first, question, signal);
      const texts = 'answer' in result ? result.answer.texts : plans.map(() => result.failure);
      const attempt = 'answer' in result ? result.attempt : 0;
      return endings(batch, { ...places, attempt, texts: [...texts], calls: [...result.calls] });
    } catch (error) {
      return plans.map((plan, index) => {
        const refusal =
          error instanceof Refusal
            ? new Refusal(
                error.cause,
                error.calls.map((call) => shareOf(call, index, plans.length)),
              )
            : error;
        return withChanges(deadPlan(plan, refusal), advanced(batch, plan));
      });
    }
  }

  function write(batch: Batch): Observable<Outcome<Plan, Draft>> {
    const known = begun?.number === batch.from?.number ? restoredAnswer(memory, batch) : undefined;
    if (known !== undefined) return from(endings(batch, known));
    return abortable((signal) => asked(batch, signal)).pipe(concatMap((outcomes) => outcomes));
  }

  return byGroup(memory, maxInFlight, write);
}

/** How each plan of a batch ends by an answer for it. */
function endings(batch: Batch, answer: Answer): readonly Outcome<Plan, Draft>[] {
  return batch.plans.map((plan, index) => {
    const at = (plan.group?.place ?? 0) - answer.first;
    const calls = answer.calls.map((call) => shareOf(call, at, answer.texts.length));
    const found = answer.texts[at] ?? { reason: 'unparsable' as const, detail: 'the answer is not for this plan' };
    const changes = [...advanced(batch, plan), ...kept(batch, plan, index, answer)];
    return withChanges(ending(plan, found, calls, answer), changes);
  });
}

function ending(plan: Plan, found: Text, calls: readonly Call[], answer: Answer): Outcome<Plan, Draft> {
  if ('reason' in found) return { kind: 'dropped', input: plan, ...found, calls };
  const { first, last, attempt } = answer;
  return { kind: 'emitted', input: plan, outputs: [draftOf(plan, found.fields, calls, attempt, [], { first, last })] };
}

/** The answer is kept when its first plan ends, and forgotten with its last. */
function kept({ from: start }: Batch, plan: Plan, index: number, answer: Answer): Changes {
  if (start === undefined || plan.group === undefined) return [];
  if (isLast(plan) || plan.group.place === answer.last) return [[answerKey, null]];
  return index === 0 && plan.group.place === answer.first ? [[answerKey, answer]] : [];
}

/** The answer that a batch had before a restart, where plans of it were ended by then. */
function restoredAnswer(memory: ReadonlyMap<string, unknown>, { from: start, plans }: Batch): Answer | undefined {
  const value = memory.get(answerKey);
  if (value === undefined || value === null || start === undefined || start.place === 0) return undefined;
  const answer = answerSchema.safeParse(value);
  if (!answer.success) {
    const what = `the memory of an operator holds ${JSON.stringify(value).slice(0, 200)} where an answer belongs`;
    throw new HeadwaterError('record-invalid', what);
  }
  const last = plans.at(-1)?.group?.place ?? 0;
  return answer.data.first <= start.place && last <= answer.data.last ? answer.data : undefined;
}

/** The texts of an answer for so many plans; a failure where not one can be read. */
function readTexts(
  { text: answer, finishReason }: Completion,
  layout: Layout,
  count: number,
  maxTokens: number,
): { readonly texts: readonly Text[] } | Failure {
  const long = tooLong(answer, longestAnswer * count);
  if (long !== undefined) return long;
  const parts = layout.parts(answer);
  const isCut = finishReason === 'length';
  const cut: Failure = { reason: 'cut', detail: `no end within ${maxTokens} tokens` };
  // Of a JSON answer only whole objects are parts; elsewhere the last part is what a cut left of a text.
  const whole = (isCut && layout.schema === undefined ? parts.slice(0, -1) : parts).filter(
    (part) => part.trim() !== '',
  );
  const texts = whole.slice(0, count).map((part): Text => textOf(part, layout));
  if (!texts.some((found) => 'fields' in found)) return isCut ? cut : (firstFailure(texts) ?? missing(0, count));
  const rest = Array.from({ length: count - texts.length }, () => (isCut ? cut : missing(texts.length, count)));
  return { texts: [...texts, ...rest] };
}

function textOf(part: string, layout: Layout): Text {
  const found = tooLong(part, longestAnswer) ?? layout.parse(part);
  return 'fields' in found ? { fields: { ...found.fields } } : found;
}

function firstFailure(texts: readonly Text[]): Failure | undefined {
  const [first] = texts;
  return first !== undefined && 'reason' in first ? first : undefined;
}

function missing(found: number, count: number): Failure {
  return { reason: 'unparsable', detail: `the answer holds ${found} of ${count} texts` };
}

function withChanges(outcome: Outcome<Plan, Draft>, changes: Changes): Outcome<Plan, Draft> {
  return changes.length > 0 ? { ...outcome, changes } : outcome;
}
