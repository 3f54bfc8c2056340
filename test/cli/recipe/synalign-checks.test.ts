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

interface Said {
  readonly method?: string;
  readonly steps?: object;
  readonly inputs?: object;
  readonly models?: object;
  readonly label?: object | undefined;
  readonly vary?: object;
}

function recipeOf({ method = 'synalign', steps = {}, inputs, models, label, vary = {} }: Said = {}): Recipe {
  return recipeSchema.parse({
    name: 'mails',
    domain: { about: 'mails', fields: { text: {} }, vary, ...(label === undefined ? {} : { label }) },
    inputs: { seeds: 'seeds.jsonl', ...(inputs ?? { real: 'real.jsonl' }) },
    models: models ?? { base: model('base'), instruct: model('instruct') },
    method,
    steps,
    target: { samples: 100 },
  });
}

const problemsOf = (said: Said) => crossChecks(recipeOf(said)).map(({ path, text }) => `${path.join('.')}: ${text}`);
const warningsOf = (said: Said) => crossWarnings(recipeOf(said)).map(({ path, text }) => `${path.join('.')}: ${text}`);

test('the method switches four steps on, with their defaults; bare leaves them off', () => {
  const { explore, reason, align, steer } = recipeOf().steps;
  expect({ explore, reason, align, steer }).toMatchObject({
    explore: { examples: 3, inducing: 256 },
    reason: { uses: 10 },
    align: { as: 'weights', cap: 10 },
    steer: { strength: 1, bound: 4 },
  });
  const bare = recipeOf({ method: 'bare' }).steps;
  expect([bare.explore, bare.reason, bare.align, bare.steer]).toEqual(['off', 'off', 'off', 'off']);
  expect(recipeSchema.parse(JSON.parse(JSON.stringify(recipeOf())))).toEqual(recipeOf());
});

test.each([
  ['explore', { explore: 'off' }, ['off', 'on', 'on', 'off']],
  ['reason', { reason: false }, ['on', 'off', 'on', 'on']],
  ['rollingMmd', { rollingMmd: 'off' }, ['on', 'on', 'on', 'off']],
  ['steer', { steer: 'off' }, ['on', 'on', 'on', 'off']],
])('%s can be switched off', (_, steps, expected) => {
  const { explore, reason, align, steer } = recipeOf({ steps }).steps;
  expect([explore, reason, align, steer].map((step) => (step === 'off' ? 'off' : 'on'))).toEqual(expected);
  expect(problemsOf({ steps })).toEqual([]);
});

test('with bare, one of them can be switched on alone', () => {
  const { steps } = recipeOf({ method: 'bare', steps: { align: { as: 'resample' } } });
  expect(steps.align).toMatchObject({ as: 'resample', buffer: 1024 });
  expect(steps.explore).toBe('off');
});

test.each<[string, Said, string]>([
  [
    'explore without real records',
    { inputs: {}, steps: { align: 'off' } },
    'inputs.real: is missing: the step explore picks its examples from there; add it, or switch the step off with steps.explore: off',
  ],
  ['align without real records', { inputs: {}, steps: { explore: 'off' } }, 'inputs.real: is missing: the step align'],
  [
    'followed shares without real records',
    { method: 'bare', inputs: {}, label: { field: 'kind', values: ['a', 'b'], shares: 'real' } },
    'inputs.real: is missing: domain.label.shares: real follows its labels',
  ],
  [
    'followed shares without exploring',
    { method: 'bare', label: { field: 'kind', values: ['a', 'b'], shares: 'real' } },
    'domain.label.shares: real needs steps.explore',
  ],
  [
    'reason without its model',
    { models: { base: model('base') }, steps: { refine: 'off', reason: { role: 'instruct' } } },
    'models.instruct: is missing: the step reason asks it; add a model, or switch the step off with steps.reason: off',
  ],
  [
    'attributes that the plan knows',
    { steps: { reason: { attributes: ['Topic', 'text'] } }, vary: { topic: ['a', 'b'] } },
    'steps.reason.attributes: are all said by the plan itself (Topic, text)',
  ],
  ['steer without explore', { steps: { explore: 'off', steer: {} } }, 'steps.steer: needs steps.explore'],
  ['steer without corrections', { steps: { rollingMmd: 'off', steer: {} } }, 'steps.steer: needs steps.rollingMmd'],
  [
    'a drift window above the window',
    { steps: { rollingMmd: { window: 32, drift: { window: 64 } } } },
    'steps.rollingMmd.drift.window: 64 is above 32',
  ],
  [
    'a reference that is too small',
    { steps: { rollingMmd: { drift: { window: 64, reference: 128 } } } },
    'steps.rollingMmd.drift.reference: 128 is below 4 times the window of 64',
  ],
  [
    'alarms more often than the window',
    { steps: { rollingMmd: { drift: { window: 64, expectedRunTime: 30 } } } },
    'steps.rollingMmd.drift.expectedRunTime: 30 is below the window of 64',
  ],
])('%s is refused', (_, said, message) => {
  expect(problemsOf(said).join('\n')).toContain(message);
});

test('a drift by NEWMA needs no reference, and shows in the picture', () => {
  const by = (test: string) => ({ steps: { rollingMmd: { window: 32, drift: { test, window: 64 } } } });
  expect(problemsOf(by('newma'))).toEqual([]);
  expect(problemsOf(by('calibrated')).join()).toContain('steps.rollingMmd.drift.window: 64 is above 32');
  const { rollingMmd } = recipeOf({ steps: { rollingMmd: { drift: { test: 'newma' } } } }).steps;
  expect(rollingMmd).toMatchObject({ drift: { test: 'newma', window: 64, deviations: 7 } });
  const drawn = (drift: object) => drawDataflow(recipeOf({ steps: { rollingMmd: { drift } } }));
  expect(drawn({ test: 'newma' })).toContain('rolling MMD (512 records, watching for drift by NEWMA)');
  expect(drawn({})).toContain('rolling MMD (512 records, watching for drift)');
});

test('what has no effect is warned of', () => {
  const off = { explore: 'off', reason: 'off', align: 'off', steer: 'off' };
  expect(warningsOf({ steps: off }).join()).toContain('method: synalign with explore, reason, align and steer off');
  expect(warningsOf({ steps: { steer: 'off' } }).join()).toContain('steps.steer: is off: corrections are written');
  const fromReal = { steps: { draft: { from: 'real' } } };
  expect(warningsOf(fromReal)).toEqual([
    'steps.draft.from: has no effect with steps.explore, which picks the examples',
  ]);
  expect(warningsOf({ steps: { ...fromReal.steps, explore: 'off', steer: 'off' } })).toEqual([]);
  expect(warningsOf({})).toEqual([]);
});

test.each([
  ['off', false],
  [{ style: 'copy-edit' }, false],
  [{ style: 'edit' }, true],
])('of given texts, attributes are asked for where refine edits by them: %j', (refine, asked) => {
  const inputs = { real: 'r.jsonl', drafts: 'd.jsonl' };
  const given = { models: { instruct: model('instruct') }, inputs, steps: { draft: { way: 'given' }, refine } };
  expect(problemsOf(given)).toEqual([]);
  expect(dataflow(recipeOf(given)).some(({ name }) => name === 'reason')).toBe(asked);
  expect(modelsInUse(recipeOf(given)).has('instruct')).toBe(refine !== 'off');
  const warning = 'steps.reason: has no effect with steps.draft.way: given, unless steps.refine has the style edit';
  expect(warningsOf(given).join().includes(warning)).toBe(!asked);
});

test('reasoning has its place in the picture, its model and its share of the estimate', () => {
  const recipe = recipeOf({ steps: { reason: { uses: 4 } } });
  const stages = dataflow(recipe);
  expect(stages.map(({ name }) => name)).toEqual(['plan', 'reason', 'draft', 'refine', 'align', 'shard', 'manifest']);
  const of = (name: string) => stages.find((stage) => stage.name === name);
  expect(of('plan')).toMatchObject({
    consumes: ['seeds', 'ledger', 'real', 'corrections'],
    operators: ['embed', 'explore (a pick and 2 neighbours, steered by corrections)', 'plan'],
  });
  expect(of('reason')).toMatchObject({
    consumes: ['plans', 'ledger'],
    produces: ['reasoned'],
    model: 'openai/instruct',
  });
  expect(of('draft')?.consumes).toEqual(['reasoned']);
  expect(of('align')?.operators).toContain('weigh (weights, cap 10)');
  expect(drawDataflow(recipe)).toContain('│  ◄── corrections');
  expect([...modelsInUse(recipe).keys()].sort()).toEqual(['base', 'instruct']);
  const alone = recipeOf({ steps: { reason: { uses: 4, role: 'base' }, refine: 'off' } });
  const drafts = estimate(recipeOf({ steps: { reason: 'off', refine: 'off' } }), 400)?.models[0];
  const both = estimate(alone, 400)?.models[0];
  // One answer serves four of the 134 drafts.
  expect((both?.requests ?? 0) - (drafts?.requests ?? 0)).toBe(34);
});

test('without exploring and reasoning the picture is that of bare', () => {
  const recipe = recipeOf({ steps: { explore: 'off', reason: 'off' } });
  expect(dataflow(recipe).find(({ name }) => name === 'plan')).toEqual(
    dataflow(recipeOf({ method: 'bare' })).find(({ name }) => name === 'plan'),
  );
});
