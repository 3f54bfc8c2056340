import { expect, test } from 'vitest';

import { loadRecipe } from '../../../cli/recipe/load-recipe.js';
import { recipeIdentity } from '../../../cli/recipe/recipe-identity.js';

async function identity(...set: string[]) {
  const { recipe } = await loadRecipe('emails', { set }, { KEY: 'x' });
  return recipeIdentity(recipe);
}

test.each([
  'target={endless: true}',
  'window=9',
  'models.base.threads=3',
  'models.instruct.sequences=2',
  'shards.every=30s',
  'topics.dir=elsewhere',
  'topics.retention={age: 1h}',
])('%s belongs to the same data folder', async (set) => {
  expect(await identity(set)).toEqual(await identity());
});

test.each([
  ['seed=8', 'seed'],
  ['models.base.temperature=0.8', 'models.base.temperature'],
  ['models.base.model=other', 'models.base.model'],
  ['domain.vary.tone=[a]', 'domain.vary.tone'],
  ['topics.partitions=2', 'topics.partitions'],
  ['steps.refine=off', 'steps.refine'],
])('%s may not, at %s', async (set, path) => {
  const [before, after] = [await identity(), await identity(set)];
  const at = (value: unknown) =>
    path.split('.').reduce<unknown>((inner, key) => (Object(inner) as Record<string, unknown>)[key], value);
  expect(at(after)).not.toEqual(at(before));
});

test('the order of fields may not change', async () => {
  expect((await identity())['fieldOrder']).toEqual(['subject', 'body']);
});

test('the endpoint of a model may move', async () => {
  const at = (url: string) => `models.base={engine: openai, url: '${url}', model: m, key: $KEY, maxInFlight: 8}`;
  expect(await identity(at('http://a.test/v1'))).toEqual(await identity(at('http://b.test/v1')));
});
