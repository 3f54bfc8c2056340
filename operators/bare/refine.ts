import { mergeMap, type OperatorFunction } from 'rxjs';
import type { Call } from '../../schemas/call.js';
import type { Domain } from '../../schemas/domain.js';
import type { Draft } from '../../schemas/draft.js';
import type { Fields } from '../../schemas/example.js';
import type { Plan } from '../../schemas/plan.js';
import type { Refined } from '../../schemas/refined.js';
import type { LayoutName } from '../../schemas/steps/writing.js';
import type { Embedder } from '../embedder.js';
import type { Outcome } from '../flow/outcome.js';
import type { ChatRequest, LanguageModel } from '../language-model.js';
import { type Meter, silent } from '../meter.js';
import { abortable } from '../prompting/abortable.js';
import { editGrammar } from '../prompting/grammar.js';
import { blocks } from '../prompting/layouts/blocks.js';
import { chatLayout } from '../prompting/layouts/chat-layout.js';
import { deadOrThrow } from '../prompting/model-failure.js';
import type { Parsed } from '../prompting/parse.js';
import { positiveInteger } from '../prompting/positive-integer.js';
import { copyEditMessages, editMessages, promptId, type RefineStyle } from '../prompting/prompts.js';
import { readAnswer } from '../prompting/read-answer.js';
import { callOf, callSeed, type SamplingOverrides, sampled } from '../prompting/sampling.js';
import { tagsOf } from '../prompting/tags.js';
import { editJudge } from './edit-judge.js';
import { keptDraft, refinedOf } from './unrefined.js';

export interface RefineOptions {
  /** The instruct model, which answers a conversation. */
  readonly model: LanguageModel;
  readonly domain: Domain;
  /**
   * `edit` shows the plan's examples and its document, and asks for realism and correctness; `copy-edit`, for models under 1B,
   * shows neither and binds the answer by a grammar. @default `edit`
   */
  readonly style?: RefineStyle | undefined;
  /** How examples and answers of the style `edit` stand in the conversation. @default by the family of the model */
  readonly layout?: LayoutName | undefined;
  /** `json`, of the style `edit`: answers are objects, bound by a schema where the engine can. @default `tags` */
  readonly answer?: 'tags' | 'json' | undefined;
  /** Model calls for one draft, each paid for, before it is kept. @default 2 */
  readonly attempts?: number;
  /** The draft is kept where the edit's cosine to it is lower. @default 0.7 */
  readonly minCosine?: number;
  /** The draft is kept where the edit has less than this share of its characters, or it of the edit's. @default 0.6 */
  readonly minLengthRatio?: number;
  /** Measures how far an edit is from its draft; without it that is not judged. */
  readonly embedder?: Embedder | undefined;
  /** Drafts that are refined at once. @default the model's `maxInFlight` */
  readonly maxInFlight?: number;
  /** @default maxTokens 1000; temperature 0.7 for `edit`, as BARE, and 0.2 for `copy-edit` */
  readonly sampling?: SamplingOverrides;
  /** Counts `refine_attempts`, `refine_retries` by `reason`, and `refine_kept_drafts` by `reason`. @default counts nothing */
  readonly meter?: Meter;
}

const temperatures = { edit: 0.7, 'copy-edit': 0.2 } as const;

/**
 * Drafts in, refined texts by an instruct model out: the second stage of BARE (§3.2).
 *
 * Outcomes come as calls end, not in the order of drafts. Every draft that the model answered is *emitted* with one
 * refined record: the edit, or the draft itself with `keptBecause` where no attempt could be parsed (`unparsable`) or the
 * edit is worse (`editJudge`). It is *dead* when the model refuses it or does not answer (`prompt-too-long`,
 * `grammar-invalid`, `endpoint-*`); other errors of the model or the embedder end the stream. A refined record carries
 * the calls of its draft and its own, and depends on its draft alone. Nothing is kept between drafts; drafts beyond
 * `maxInFlight` wait in memory, so the source must be bounded by credit. Unsubscribing aborts what is in flight.
 *
 * @example
 * ```ts
 * const samples = drafts.pipe(refine({ model, domain, style: 'edit' }), emitted());
 * ```
 */
export function refine(options: RefineOptions): OperatorFunction<Draft, Outcome<Draft, Refined>> {
  const { model, domain, style = 'edit', meter = silent } = options;
  const maxInFlight = positiveInteger('maxInFlight', options.maxInFlight ?? model.maxInFlight);
  const attempts = positiveInteger('attempts', options.attempts ?? 2);
  const sampling = sampled({ temperature: temperatures[style], maxTokens: 1000 }, options.sampling);
  const fault = editJudge(options);
  const editing = style === 'edit' ? asEdit(options) : asCopyEdit(domain);

  async function refined(draft: Draft, signal: AbortSignal): Promise<Outcome<Draft, Refined>> {
    const calls: Call[] = [...draft.calls];
    try {
      const edit = await edited(draft, calls, signal);
      const worse = edit === undefined ? 'unparsable' : await fault(draft.fields, edit);
      if (worse !== undefined) meter.count('refine_kept_drafts', 1, { reason: worse });
      const keeps = edit === undefined || worse !== undefined;
      const output = keeps ? keptDraft(draft, worse ?? 'unparsable', calls) : refinedOf(draft, edit, calls);
      return { kind: 'emitted', input: draft, outputs: [output] };
    } catch (error) {
      return deadOrThrow(draft, error, calls.slice(draft.calls.length));
    }
  }

  /** The first answer that parses; its calls are added to `calls`. */
  async function edited(draft: Draft, calls: Call[], signal: AbortSignal): Promise<Fields | undefined> {
    const { maxTokens = Number.POSITIVE_INFINITY, ...request } = editing.request(draft);
    const settings = { ...sampling, maxTokens: Math.min(maxTokens, sampling.maxTokens) };
    let failure: string | undefined;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (failure !== undefined) meter.count('refine_retries', 1, { reason: failure });
      meter.count('refine_attempts');
      const seed = callSeed(draft.plan.randomSeed, 'instruct', attempt);
      const completion = await model.chat({ ...request, ...settings, seed, signal, cause: draft.id });
      calls.push(callOf('instruct', editing.promptId(draft.plan), sampling, seed, completion));
      const item = readAnswer(completion, settings.maxTokens, editing.parse);
      if ('fields' in item) return item.fields;
      failure = item.reason;
    }
    return undefined;
  }

  return mergeMap((draft) => abortable((signal) => refined(draft, signal)), maxInFlight);
}

/** What a style asks, and how it reads the answer. */
interface Editing {
  readonly promptId: (plan: Plan) => string;
  readonly request: (
    draft: Draft,
  ) => Pick<ChatRequest, 'messages' | 'stop' | 'grammar' | 'schema'> & { readonly maxTokens?: number };
  readonly parse: (text: string) => Parsed;
}

function asEdit(options: RefineOptions): Editing {
  const { model, domain } = options;
  const layout = chatLayout(domain, model.id, options);
  return {
    promptId: (plan) => promptId('edit', layout, plan),
    request: ({ plan, fields }) => ({ messages: editMessages(domain, layout, plan, fields), ...layout.structure }),
    parse: layout.parse,
  };
}

function asCopyEdit(domain: Domain): Editing {
  const layout = blocks(domain);
  const tags = tagsOf(domain);
  return {
    promptId: (plan) => promptId('copy-edit', layout, plan),
    request: ({ fields }) => ({
      messages: copyEditMessages(domain, fields),
      stop: layout.rawStops,
      grammar: editGrammar(tags, fields),
      maxTokens: tokensFor(fields),
    }),
    parse: (text) => layout.parseRaw(text, false),
  };
}

/** Tokens that a correction of these texts stays under, in any script: no tokenizer needs more than one for two bytes. */
function tokensFor(fields: Fields): number {
  const bytes = Object.values(fields).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return 64 + Math.ceil(bytes / 2);
}
