import fc from 'fast-check';
import { expect, it } from 'vitest';

import { TokenBound } from '../../engines/token-bound.js';
import type { CompletionRequest } from '../../operators/language-model.js';

function request(length: number): CompletionRequest {
  return { prompt: 'x'.repeat(length), temperature: 0, maxTokens: 100 };
}

/** What a prompt of `length` may come to, after answers to prompts of other lengths. */
function after(seen: readonly (readonly [length: number, promptTokens: number])[], length: number): number {
  const bound = new TokenBound();
  for (const [each, promptTokens] of seen) bound.learn(request(each), { promptTokens, completionTokens: 0 });
  return bound.of(request(length)).promptTokens;
}

it('is a quarter of the characters at first, and the whole answer', () => {
  expect(new TokenBound().of(request(400))).toEqual({ promptTokens: 116, completionTokens: 100 });
});

it('takes a template around a short prompt for what it is', () => {
  expect(after([[20, 405]], 4000)).toBe(1400);
  expect(after([[20, 405]], 20)).toBe(405);
});

it('learns from long prompts how dense texts are', () => {
  expect(after([[2000, 2016]], 4000)).toBe(4016);
});

it('never estimates less than it has seen', () => {
  const seen = fc.array(fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 9000 })), {
    minLength: 1,
  });
  fc.assert(
    fc.property(seen, (prompts) => {
      for (const [length, promptTokens] of prompts) {
        expect(after(prompts, length)).toBeGreaterThanOrEqual(promptTokens);
      }
    }),
  );
});
