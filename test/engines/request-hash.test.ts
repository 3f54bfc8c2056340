import { expect, it } from 'vitest';

import { requestHash } from '../../engines/request-hash.js';
import type { ChatRequest, CompletionRequest } from '../../operators/language-model.js';

const request: CompletionRequest = { prompt: 'a', temperature: 0.5, maxTokens: 9 };

it('is 32 hexadecimal digits, and stays the same from version to version', () => {
  expect(requestHash('openai/m', request)).toBe('407840526d291c270960435ced33fd11');
});

it('does not depend on the signal, the cause, the shared prefix, or the order of the fields', () => {
  const other: CompletionRequest = {
    maxTokens: 9,
    temperature: 0.5,
    prompt: 'a',
    sharedPrefix: 1,
    cause: 'c',
    signal: AbortSignal.abort(),
  };
  expect(requestHash('m', other)).toBe(requestHash('m', request));
});

it('differs in all that decides an answer', () => {
  const chat: ChatRequest = { messages: [{ role: 'user', content: 'a' }], temperature: 0.5, maxTokens: 9 };
  const hashes = [
    requestHash('other', request),
    ...[
      request,
      { ...request, prompt: 'b' },
      { ...request, temperature: 0.6 },
      { ...request, maxTokens: 8 },
      { ...request, topP: 0.5 },
      { ...request, topK: 1 },
      { ...request, minP: 0.5 },
      { ...request, seed: 1 },
      { ...request, stop: ['a'] },
      { ...request, stop: ['a', 'b'] },
      { ...request, grammar: 'a' },
      { ...request, schema: {} },
      { ...request, logprobs: 0 },
      chat,
      { ...chat, messages: [{ role: 'assistant' as const, content: 'a' }] },
    ].map((each) => requestHash('m', each)),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
});
