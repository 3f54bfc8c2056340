import type { ChatRequest, Completion, CompletionRequest } from '../../operators/language-model.js';
import { costOf, type Price } from '../prices.js';
import type { Answer } from './answer.js';

export interface SentRequest extends Pick<Completion, 'startedAt' | 'milliseconds' | 'attempts'> {
  /** As the recipe names it, where the server does not. */
  readonly model: string;
  /** Without it the cost is null. */
  readonly price: Price | undefined;
  /** The assistant's opened answer; empty where there was none. */
  readonly opening: string;
}

/** What a server said, as the answer to a request: with its cost, without the opening, tokens estimated where it counted none. */
export function completionOf(
  request: CompletionRequest | ChatRequest,
  answer: Answer,
  { model, price, opening, ...sent }: SentRequest,
): Completion {
  const { cachedTokens, logprobs } = answer;
  const usage = {
    promptTokens: answer.promptTokens ?? estimated(characters(request)),
    completionTokens: answer.completionTokens ?? estimated(answer.text.length),
    ...(cachedTokens === undefined ? {} : { cachedPromptTokens: cachedTokens }),
  };
  return {
    text: withoutOpening(answer.text, opening),
    finishReason: answer.finishReason,
    usage,
    model: `openai/${answer.model ?? model}`,
    cost: price === undefined ? null : costOf(price, usage),
    ...(request.logprobs === undefined || logprobs.length === 0 ? {} : { logprobs }),
    ...sent,
  };
}

/** Servers that do not stream give an opened answer as a whole. */
function withoutOpening(text: string, start: string): string {
  const repeated = start.trim();
  if (repeated === '' || !text.trimStart().startsWith(repeated)) return text;
  return text.trimStart().slice(repeated.length);
}

function characters(request: CompletionRequest | ChatRequest): number {
  if ('prompt' in request) return request.prompt.length;
  return request.messages.reduce((sum, { content }) => sum + content.length, 0);
}

/** Tokens of a text that nobody counted. */
export function estimated(characters: number): number {
  return Math.ceil(characters / 4);
}
