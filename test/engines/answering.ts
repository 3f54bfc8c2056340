import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../../operators/language-model.js';

/** An answer with so many tokens, at so many dollars. */
export function completion(promptTokens: number, completionTokens: number, cost: number | null = 0): Completion {
  return {
    text: 'an answer',
    finishReason: 'stop',
    usage: { promptTokens, completionTokens },
    model: 'openai/m',
    cost,
    startedAt: 0,
    milliseconds: 1,
    attempts: 1,
  };
}

/** A language model whose answers a function gives. */
export function answering(
  answer: (request: CompletionRequest | ChatRequest) => Completion | Promise<Completion>,
): LanguageModel {
  return {
    id: 'openai/m',
    maxInFlight: 1000,
    structured: false,
    complete: async (request) => answer(request),
    chat: async (request) => answer(request),
    close: async () => undefined,
  };
}
