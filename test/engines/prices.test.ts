import { expect, it } from 'vitest';

import { costOf, listPrice, listPriceNote } from '../../engines/prices.js';

const openai = 'https://api.openai.com/v1';

it('knows a model by its exact name and by a dated name of it', () => {
  const price = { input: 0.15, cachedInput: 0.075, output: 0.6 };
  expect(listPrice(openai, 'gpt-4o-mini')).toEqual(price);
  expect(listPrice(openai, 'gpt-4o-mini-2024-07-18')).toEqual(price);
  expect(listPrice(openai, 'gpt-4o-2024-05-13')).toMatchObject({ input: 5, output: 15 });
});

it.each(['gpt-4o-mini-tts', 'gpt-4o-minimal', 'my-gpt-4o', 'ft:gpt-4o-mini:acme::x', ''])(
  'knows no price of %s',
  (model) => {
    expect(listPrice(openai, model)).toBeUndefined();
  },
);

it.each([
  'http://127.0.0.1:8000/v1',
  'https://api.openai.com.example.org/v1',
  'https://example.org/api.openai.com',
  'no address',
])('knows no price at %s, even for a model of that name', (url) =>
  expect(listPrice(url, 'gpt-4o-mini')).toBeUndefined(),
);

it('halves what batches cost', () => {
  expect(listPrice(openai, 'gpt-4o', { batch: true })).toEqual({ input: 1.25, cachedInput: 0.625, output: 5 });
});

it('says when and where prices were noted', () => {
  expect(listPriceNote.noted).toMatch(/^\d{4}-\d{2}$/);
  expect(listPriceNote.source).toMatch(/^https:/);
});

it('prices cached prompt tokens as such', () => {
  const price = { input: 2, cachedInput: 0.5, output: 8 };
  expect(costOf(price, { promptTokens: 1000, cachedPromptTokens: 400, completionTokens: 100 })).toBeCloseTo(0.0022, 12);
  expect(
    costOf({ input: 2, output: 8 }, { promptTokens: 1000, cachedPromptTokens: 400, completionTokens: 100 }),
  ).toBeCloseTo(0.0028, 12);
  // A server that claims more cached tokens than the prompt has does not make it cheaper than free.
  expect(costOf(price, { promptTokens: 10, cachedPromptTokens: 99, completionTokens: 0 })).toBeCloseTo(5e-6, 12);
});
