import type { Call } from '../../schemas/call.js';
import type { Draft } from '../../schemas/draft.js';
import type { Fields } from '../../schemas/example.js';
import { recordId } from '../../schemas/ids.js';
import type { Plan } from '../../schemas/plan.js';
import type { Outcome } from '../flow/outcome.js';
import type { ChatRequest, Completion, CompletionRequest, LanguageModel, Sampling } from '../language-model.js';
import { type Meter, silent } from '../meter.js';
import { deadOrThrow } from '../prompting/model-failure.js';
import type { Parsed } from '../prompting/parse.js';
import { positiveInteger } from '../prompting/positive-integer.js';
import { type Failure, readAnswer } from '../prompting/read-answer.js';
import { callOf, callSeed, type SamplingOverrides, sampled } from '../prompting/sampling.js';

/** What the ways to write a draft have in common. */
export interface WriterOptions {
  readonly model: LanguageModel;
  /** Model calls for one plan, each paid for, before it is dropped. @default 3 */
  readonly attempts?: number;
  /** Over the way's defaults. */
  readonly sampling?: SamplingOverrides;
  /** Counts `draft_attempts`, and `draft_retries` by `reason`. @default counts nothing */
  readonly meter?: Meter;
}

export interface Writer {
  readonly model: LanguageModel;
  readonly role: 'base' | 'instruct';
  readonly attempts: number;
  readonly sampling: Sampling;
  readonly meter: Meter;
}

/** Checks the options (`TypeError`) and fills in what they leave out. */
export function writerOf(role: Writer['role'], temperature: number, options: WriterOptions): Writer {
  return {
    role,
    model: options.model,
    attempts: positiveInteger('attempts', options.attempts ?? 3),
    sampling: sampled({ temperature, maxTokens: 1000 }, options.sampling),
    meter: options.meter ?? silent,
  };
}

type Unsampled<Request> = Omit<Request, keyof Sampling | 'signal' | 'cause'>;

/** One question, asked until an answer can be read. */
export interface Question<Answer> {
  /** As calls keep it. */
  readonly promptId: string;
  readonly request: Unsampled<CompletionRequest> | Unsampled<ChatRequest>;
  /** Of one answer. @default the writer's */
  readonly maxTokens?: number;
  readonly read: (completion: Completion, maxTokens: number) => Answer | Failure;
}

export type Answered<Answer> =
  | { readonly answer: Answer; readonly attempt: number; readonly calls: readonly Call[] }
  | { readonly failure: Failure; readonly calls: readonly Call[] };

/**
 * Asks on behalf of a plan until an answer can be read, with a random seed of its own each time: the first is the plan's. Rejects
 * with what the model rejects with, as `Refusal` with the calls that were answered before.
 */
export async function answered<Answer extends object>(
  { model, role, attempts, sampling, meter }: Writer,
  plan: Plan,
  { promptId, request, maxTokens = sampling.maxTokens, read }: Question<Answer>,
  signal: AbortSignal,
): Promise<Answered<Answer>> {
  const calls: Call[] = [];
  let failure: Failure = { reason: 'unparsable', detail: '' };
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (attempt > 0) meter.count('draft_retries', 1, { reason: failure.reason });
    meter.count('draft_attempts');
    const seed = callSeed(plan.randomSeed, 'base', attempt);
    const settings = { ...sampling, maxTokens, seed, signal, cause: plan.id };
    let completion: Completion;
    try {
      completion = await ('messages' in request
        ? model.chat({ ...request, ...settings })
        : model.complete({ ...request, ...settings }));
    } catch (error) {
      throw new Refusal(error, calls);
    }
    calls.push(callOf(role, promptId, sampling, seed, completion));
    const answer = read(completion, maxTokens);
    if (!isFailure(answer)) return { answer, attempt, calls };
    failure = answer;
  }
  return { failure, calls };
}

/** What a model rejected a call with, and the calls that it had answered. */
export class Refusal extends Error {
  constructor(
    override readonly cause: unknown,
    readonly calls: readonly Call[],
  ) {
    super('a model refused');
  }
}

/** The draft of one plan by one question for one text: emitted, dropped after the last attempt, or dead. */
export async function drafted(
  writer: Writer,
  plan: Plan,
  question: Omit<Question<object>, 'read'> & {
    readonly parse: (text: string) => Parsed;
    /** Texts of its group that the prompt shows. */
    readonly shown?: readonly Fields[];
  },
  signal: AbortSignal,
): Promise<Outcome<Plan, Draft>> {
  const { parse, shown, ...asked } = question;
  try {
    const read = (completion: Completion, maxTokens: number) => readAnswer(completion, maxTokens, parse);
    const result = await answered(writer, plan, { ...asked, read }, signal);
    const { calls } = result;
    if ('failure' in result) return { kind: 'dropped', input: plan, ...result.failure, calls };
    return {
      kind: 'emitted',
      input: plan,
      outputs: [draftOf(plan, result.answer.fields, calls, result.attempt, shown)],
    };
  } catch (error) {
    return deadPlan(plan, error);
  }
}

/** The dead end of a plan whose question was refused; every other error is thrown on. */
export function deadPlan(plan: Plan, error: unknown): Outcome<Plan, Draft> {
  return error instanceof Refusal ? deadOrThrow(plan, error.cause, error.calls) : deadOrThrow(plan, error, []);
}

/** The draft of a plan; its id depends on the plan and the attempt alone. */
export function draftOf(
  plan: Plan,
  fields: Fields,
  calls: readonly Call[],
  attempt: number,
  shown: readonly Fields[] = [],
  together?: Draft['together'],
): Draft {
  const beside = { ...(shown.length > 0 && { shown: [...shown] }), ...(together !== undefined && { together }) };
  return { kind: 'draft', id: recordId('draft', plan.id, attempt), plan, fields, ...beside, calls: [...calls] };
}

function isFailure(answer: object): answer is Failure {
  return 'reason' in answer;
}
