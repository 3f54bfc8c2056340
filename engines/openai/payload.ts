import type { ChatRequest, CompletionRequest } from '../../operators/language-model.js';
import type { Failure } from './failure.js';
import { wellFormed } from './json.js';

/** Whose field carries a GBNF grammar. */
export type GrammarField = 'llama.cpp' | 'vllm';

/** Where servers of the same interface differ: assumed the widest, narrowed by what a server refuses. */
export interface Dialect {
  readonly maxTokens: 'max_tokens' | 'max_completion_tokens';
  /** Stop texts that the server takes; the others are cut here. */
  readonly stops: number;
  readonly streamOptions: boolean;
  /** Whether an opened answer is marked as such. Without the mark most servers continue it all the same. */
  readonly continueFinal: boolean;
  readonly responseFormat: boolean;
}

export const widest: Dialect = {
  maxTokens: 'max_tokens',
  stops: Number.POSITIVE_INFINITY,
  streamOptions: true,
  continueFinal: true,
  responseFormat: true,
};

/** What a refusal's words narrow; undefined where that is as narrow as it gets. */
const narrowings: readonly {
  readonly said: RegExp;
  readonly narrow: (dialect: Dialect) => Partial<Dialect> | undefined;
}[] = [
  {
    said: /max_completion_tokens/,
    narrow: ({ maxTokens }) => (maxTokens === 'max_tokens' ? { maxTokens: 'max_completion_tokens' } : undefined),
  },
  {
    said: /stream_options|include_usage/,
    narrow: ({ streamOptions }) => (streamOptions ? { streamOptions: false } : undefined),
  },
  {
    said: /continue_final_message|add_generation_prompt/,
    narrow: ({ continueFinal }) => (continueFinal ? { continueFinal: false } : undefined),
  },
  {
    said: /response_format|json_schema/,
    narrow: ({ responseFormat }) => (responseFormat ? { responseFormat: false } : undefined),
  },
  // OpenAI takes four stop texts, its reasoning models none.
  { said: /\bstop\b/, narrow: ({ stops }) => (stops > 0 ? { stops: stops > 4 ? 4 : 0 } : undefined) },
];

/** A narrower dialect that a refused request may be sent in; undefined where the refusal is about something else. */
export function narrowed(dialect: Dialect, failure: Failure): Dialect | undefined {
  if (failure.status !== 400 && failure.status !== 422) return undefined;
  for (const { said, narrow } of narrowings) {
    const narrower = said.test(failure.message) ? narrow(dialect) : undefined;
    if (narrower !== undefined) return { ...dialect, ...narrower };
  }
  return undefined;
}

/** The JSON body of POST /completions. */
export function completionBody(
  model: string,
  request: CompletionRequest,
  dialect: Dialect,
  grammar: GrammarField | undefined,
): string {
  return JSON.stringify({
    model,
    prompt: wellFormed(request.prompt),
    ...sampling(request, dialect),
    // At 0 llama.cpp gives none at all.
    logprobs: request.logprobs === undefined ? undefined : Math.max(1, request.logprobs),
    ...structure(request, dialect, grammar, 'json_schema'),
  });
}

/** The JSON body of POST /chat/completions. */
export function chatBody(
  model: string,
  request: ChatRequest,
  dialect: Dialect,
  grammar: GrammarField | undefined,
): string {
  return JSON.stringify({
    model,
    messages: request.messages.map(({ role, content }) => ({ role, content: wellFormed(content) })),
    ...(opening(request) !== '' && dialect.continueFinal
      ? { continue_final_message: true, add_generation_prompt: false }
      : {}),
    ...sampling(request, dialect),
    ...(request.logprobs === undefined ? {} : { logprobs: true, top_logprobs: Math.max(1, request.logprobs) }),
    ...structure(request, dialect, grammar, 'response_format'),
  });
}

/** The assistant's opened answer at the end of a conversation; empty where there is none. */
export function opening(request: ChatRequest): string {
  const last = request.messages.at(-1);
  return last?.role === 'assistant' ? last.content : '';
}

function sampling(request: CompletionRequest | ChatRequest, dialect: Dialect): Record<string, unknown> {
  const stop = (request.stop ?? []).slice(0, dialect.stops);
  return {
    temperature: request.temperature,
    [dialect.maxTokens]: request.maxTokens,
    top_p: request.topP,
    top_k: request.topK,
    min_p: request.minP,
    // 31 bits: some servers read a signed integer, and llama.cpp takes 2^32 - 1 for "no seed".
    seed: request.seed === undefined ? undefined : request.seed % 0x7fffffff,
    stop: stop.length > 0 ? stop : undefined,
    stream: true,
    stream_options: dialect.streamOptions ? { include_usage: true } : undefined,
  };
}

function structure(
  { grammar, schema }: CompletionRequest | ChatRequest,
  dialect: Dialect,
  field: GrammarField | undefined,
  llamaSchemaField: 'json_schema' | 'response_format',
): Record<string, unknown> {
  if (grammar !== undefined && field === 'llama.cpp') return { grammar };
  if (grammar !== undefined && field === 'vllm') return { structured_outputs: { grammar } };
  if (schema === undefined || !dialect.responseFormat) return {};
  // llama.cpp reads response_format in chats only.
  if (field === 'llama.cpp' && llamaSchemaField === 'json_schema') return { json_schema: schema };
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } } };
}
