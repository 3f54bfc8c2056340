import { expect, test } from 'vitest';

import { crossChecks, crossWarnings, modelsInUse } from '../../../cli/recipe/cross-checks.js';
import { dataflow, drawDataflow } from '../../../cli/recipe/dataflow.js';
import { estimate } from '../../../cli/recipe/estimate.js';
import { type Recipe, recipe as recipeSchema } from '../../../schemas/recipe.js';

const model = (name: string) => ({
  engine: 'openai',
  url: 'http://127.0.0.1:1/v1',
  model: name,
  price: { input: 1, output: 2 },
});

function recipeOf(
  steps: object,
  models: object = { judge: model('judge') },
  inputs: object = { real: 'real.jsonl' },
): Recipe {
  return recipeSchema.parse({
    name: 'mails',
    domain: { about: 'mails', fields: { text: {} } },
    inputs: { seeds: 'seeds.jsonl', ...inputs },
    models: { base: model('base'), instruct: model('instruct'), ...models },
    steps,
    target: { samples: 100 },
  });
}

test('the judge has its place in the picture, its model and its share of the estimate', () => {
  const recipe = recipeOf({ judge: { share: 0.25 } });
  expect(dataflow(recipe).find(({ name }) => name === 'judge')).toEqual({
    name: 'judge',
    consumes: ['samples', 'real'],
    operators: ['judge (25 % of the samples)'],
    produces: ['verdicts'],
    model: 'openai/judge',
  });
  expect(drawDataflow(recipe)).toContain('  [judge]  judge (25 % of the samples)   asks openai/judge\n');
  expect([...modelsInUse(recipe).keys()]).toEqual(['base', 'instruct', 'judge']);
  expect(estimate(recipe, 400)?.models.find(({ role }) => role === 'judge')).toMatchObject({ requests: 25 });
});

test('without a judge of its own, the instruct model judges', () => {
  const recipe = recipeOf({ judge: {} }, {});
  expect(crossChecks(recipe)).toEqual([]);
  expect([...modelsInUse(recipe).keys()]).toEqual(['base', 'instruct']);
  expect(dataflow(recipe).find(({ name }) => name === 'judge')?.model).toBe('openai/instruct');
});

test('a step that is off is nowhere, and a judge without it is warned of', () => {
  const recipe = recipeOf({ measure: false });
  expect(recipe.steps).toMatchObject({ measure: 'off', judge: 'off' });
  expect(dataflow(recipe).some(({ name }) => name === 'judge')).toBe(false);
  expect(dataflow(recipe).find(({ name }) => name === 'align')?.produces).toEqual(['samples', 'corrections']);
  expect([...modelsInUse(recipe).keys()]).toEqual(['base', 'instruct']);
  expect(crossWarnings(recipe)).toContainEqual({
    path: ['models', 'judge'],
    text: 'has no effect without steps.judge: {}',
  });
});

test('a judge reads the real stream where nothing is compared with it', () => {
  const stages = dataflow(recipeOf({ judge: {}, rollingMmd: 'off' }));
  expect(stages.find(({ name }) => name === 'judge')?.consumes).toEqual(['samples', 'real']);
  expect(stages.find(({ name }) => name === 'align')?.consumes).not.toContain('real');
});

test('a judge needs real records, and a window no smaller than the interval', () => {
  const [problem] = crossChecks(recipeOf({ judge: {} }, {}, {}));
  expect(problem).toMatchObject({ path: ['inputs', 'real'] });
  expect(() => recipeOf({ measure: { every: 100, window: 64 } })).toThrow('expected at most `window`');
});
