import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { loadRecipe } from '../../../cli/recipe/load-recipe.js';
import { priceOf, priceText } from '../../../cli/recipe/price-of.js';
import { windowOf } from '../../../streams/river/planning.js';

const local = 'http://127.0.0.1:8000/v1';
const hosted = 'https://api.openai.com/v1';

async function load(base: object, target: unknown, samples?: number) {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-budget-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const recipe = {
    name: 'notes',
    domain: { about: 'notes', fields: { text: {} } },
    inputs: { seeds: 'seeds.jsonl' },
    models: { base },
    steps: { refine: 'off' },
    target,
  };
  const file = join(dir, 'notes.yaml');
  await writeFile(file, JSON.stringify(recipe));
  return (await loadRecipe(file, { set: [], ...(samples === undefined ? {} : { samples }) })).recipe;
}

test('--samples leaves the budget as it is', async () => {
  const base = { engine: 'openai', url: local, model: 'm' };
  const budget = { tokens: '2M' };
  expect((await load(base, { budget }, 5)).target).toEqual({ samples: 5, budget: { tokens: 2_000_000 } });
  expect((await load(base, { endless: true, budget }, 5)).target).toEqual({
    samples: 5,
    budget: { tokens: 2_000_000 },
  });
  expect((await load(base, { samples: 9 }, 5)).target).toEqual({ samples: 5 });
});

test('a budget in money needs a price, which models in this process have, and hosted ones by their list', async () => {
  const budget = { usd: 5 };
  await expect(load({ engine: 'openai', url: local, model: 'gpt-4o' }, { budget })).rejects.toMatchObject({
    code: 'recipe-invalid',
    message: expect.stringContaining('no public price of gpt-4o is known'),
  });
  for (const base of [
    { engine: 'openai', url: hosted, model: 'gpt-4o' },
    { engine: 'openai-batch', url: hosted, model: 'gpt-4o' },
    { engine: 'openai', url: local, model: 'm', price: { input: 0, output: 0 } },
    { engine: 'llama', model: 'gemma-3-270m' },
  ]) {
    expect((await load(base, { budget })).target.budget).toEqual(budget);
  }
});

test('batches cost half the list price, and what the recipe says; a price of several servers must be the same', async () => {
  const priceAt = async (base: object) => {
    const { models } = await load({ model: 'gpt-4o', ...base }, { samples: 1 });
    return priceText((models.base && priceOf(models.base)) ?? null);
  };
  expect(await priceAt({ engine: 'openai-batch', url: hosted })).toMatch(
    /^\$1\.25 in, \$0\.625 cached, \$5 out .*list price/,
  );
  const price = { input: 3, output: 4 };
  expect(await priceAt({ engine: 'openai-batch', url: hosted, price })).toBe('$3 in, $4 out a million tokens');
  expect(await priceAt({ engine: 'openai', url: [hosted, local] })).toBe('price unknown');
});

test('a batch engine has enough plans on their way to fill its batches', async () => {
  const recipe = await load({ engine: 'openai-batch', url: hosted, model: 'm' }, { samples: 1 });
  expect(windowOf(recipe)).toBe(20_000);
});
