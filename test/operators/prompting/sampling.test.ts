import { expect, test } from 'vitest';
import { callSeed, sampled } from '../../../operators/prompting/sampling.js';

test('what is asked for goes over the defaults, and undefined does not count', () => {
  const defaults = { temperature: 0.7, maxTokens: 1000 };
  expect(sampled(defaults)).toEqual(defaults);
  expect(sampled(defaults, { temperature: 0, topK: 40, topP: undefined })).toEqual({
    temperature: 0,
    maxTokens: 1000,
    topK: 40,
  });
});

test("what is no sampling, such as the rest of a recipe's model, stays out of the request", () => {
  const model = { temperature: 0.5, grammar: 'llama.cpp', url: 'http://127.0.0.1' };
  expect(sampled({ temperature: 1, maxTokens: 8 }, model)).toEqual({ temperature: 0.5, maxTokens: 8 });
});

test('every attempt of every role has its own random seed of 32 bits', () => {
  const seeds = (['base', 'instruct'] as const).flatMap((role) =>
    [0, 7, 2 ** 32 - 1].flatMap((randomSeed) => Array.from({ length: 10 }, (_, n) => callSeed(randomSeed, role, n))),
  );
  expect(callSeed(7, 'base', 0)).toBe(7);
  expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)).toBe(true);
  expect(new Set(seeds.slice(0, 30)).size).toBe(30);
  expect(new Set([...Array(10)].flatMap((_, n) => [callSeed(7, 'base', n), callSeed(7, 'instruct', n)])).size).toBe(20);
});
