import { createHash } from 'node:crypto';

import type { ChatRequest, CompletionRequest } from '../operators/language-model.js';

/** 128 bits of SHA-256 over all that decides an answer: the model and the request, but for `signal`, `cause` and `sharedPrefix`. */
export function requestHash(modelId: string, request: CompletionRequest | ChatRequest): string {
  const { temperature, maxTokens, topP, topK, minP, seed, stop, grammar, schema, logprobs } = request;
  const asked =
    'prompt' in request ? request.prompt : request.messages.map(({ role, content }) => [role, content] as const);
  // Named, so that an absent option cannot be taken for its neighbour.
  const decisive = { modelId, asked, temperature, maxTokens, topP, topK, minP, seed, stop, grammar, schema, logprobs };
  return createHash('sha256').update(JSON.stringify(decisive)).digest('hex').slice(0, 32);
}
