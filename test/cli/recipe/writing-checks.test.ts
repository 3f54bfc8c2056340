import { describe, expect, test } from 'vitest';

import { crossChecks, crossWarnings, modelsInUse } from '../../../cli/recipe/cross-checks.js';
import { drawDataflow } from '../../../cli/recipe/dataflow.js';
import { estimate } from '../../../cli/recipe/estimate.js';
import { type Recipe, recipe as recipeSchema } from '../../../schemas/recipe.js';
import type { ways } from '../../../schemas/steps/writing.js';

interface Changes {
  readonly models?: object;
  readonly inputs?: object;
  readonly steps?: object;
}

const model = (name: string) => ({ engine: 'openai', url: 'http://127.0.0.1:1/v1', model: name });

function recipeWith({ models = {}, inputs = {}, steps = {} }: Changes = {}): Recipe {
  return recipeSchema.parse({
    name: 'mails',
    domain: { about: 'short e-mails', fields: { subject: {}, body: {} } },
    inputs: { seeds: 'seeds.jsonl', real: 'real.jsonl', ...inputs },
    models: { base: model('base'), instruct: model('instruct'), ...models },
    steps,
    target: { samples: 300 },
  });
}

function pathsOf(problems: readonly { readonly path: readonly PropertyKey[] }[]): readonly string[] {
  return problems.map(({ path }) => path.join('.'));
}

describe('what a way needs', () => {
  test.each([
    [{ models: { base: undefined } }, ['models.base']],
    [{ models: { base: undefined }, steps: { draft: { way: 'few-shot' } } }, []],
    [{ models: { instruct: undefined } }, ['models.instruct']],
    [{ models: { instruct: undefined }, steps: { refine: 'off' } }, []],
    [{ models: { instruct: undefined }, steps: { refine: 'off', draft: { way: 'sequential' } } }, ['models.instruct']],
    [{ models: { instruct: undefined }, steps: { draft: { way: 'in-one' } } }, ['models.instruct']],
    [{ steps: { draft: { way: 'given' } } }, ['inputs.drafts']],
    [{ steps: { draft: { way: 'given' } }, inputs: { drafts: 'd.jsonl' } }, []],
    [{ steps: { draft: { from: 'real' } }, inputs: { real: undefined } }, ['inputs.real']],
    [{ steps: { draft: { answer: 'json' } } }, ['steps.draft.answer']],
    [{ steps: { draft: { answer: 'json', way: 'few-shot' } } }, []],
  ])('%j', (changes, problems) => {
    expect(pathsOf(crossChecks(recipeWith(changes)))).toEqual(problems);
  });
});

describe('what has no effect', () => {
  test.each([
    [{}, []],
    [{ steps: { draft: { way: 'few-shot' } } }, ['models.base']],
    [{ steps: { refine: 'off' } }, ['models.instruct']],
    [{ steps: { refine: 'off', draft: { way: 'in-one' } }, models: { base: undefined } }, []],
    [{ steps: { draft: { personas: ['a cook'] } } }, ['steps.draft.personas']],
    [{ inputs: { drafts: 'd.jsonl' } }, ['inputs.drafts']],
    [{ inputs: { documents: 'docs/*.txt' } }, []],
    [{ steps: { refine: { layout: 'xml', answer: 'json' } } }, ['steps.refine.layout']],
    [{ steps: { refine: { style: 'copy-edit', answer: 'json' } } }, ['steps.refine.answer']],
  ])('%j', (changes, warnings) => {
    expect(pathsOf(crossWarnings(recipeWith(changes)))).toEqual(warnings);
  });
});

test('the models in use are those that the way and the refiner ask', () => {
  const roles = (changes: Changes) => [...modelsInUse(recipeWith(changes)).keys()];
  expect(roles({})).toEqual(['base', 'instruct']);
  expect(roles({ steps: { refine: 'off' } })).toEqual(['base']);
  expect(roles({ steps: { draft: { way: 'few-shot' }, refine: 'off' } })).toEqual(['instruct']);
  expect(roles({ steps: { draft: { way: 'given' } } })).toEqual(['instruct']);
  expect(roles({ steps: { draft: { way: 'given' }, refine: 'off' } })).toEqual([]);
});

test('the estimate follows the way: calls of a group, texts shown, and one model for both stages', () => {
  const requests = (way: (typeof ways)[number], refine: 'off' | object = 'off') => {
    const found = estimate(recipeWith({ steps: { draft: { way, group: 10 }, refine } }), 400);
    return Object.fromEntries(found?.models.map(({ role, ...rest }) => [role, rest]) ?? []);
  };
  expect(requests('base')['base']?.requests).toBe(400);
  expect(requests('few-shot')['instruct']?.requests).toBe(400);
  expect(requests('in-one')['instruct']?.requests).toBe(40);
  expect(requests('few-shot', {})['instruct']?.requests).toBe(750);
  expect(requests('given')).toEqual({});
  const prompt = (way: 'few-shot' | 'sequential') => requests(way)['instruct']?.promptTokens ?? 0;
  expect(prompt('sequential') / prompt('few-shot')).toBeCloseTo((7.5 * 124 + 24) / (3 * 124 + 24), 2);
  expect(requests('in-one')['instruct']?.completionTokens).toBe(requests('few-shot')['instruct']?.completionTokens);
});

test('the dataflow names the way, whom it asks, and where its topics come from', () => {
  const drawn = (changes: Changes) => drawDataflow(recipeWith(changes));
  expect(drawn({})).toContain('[draft]  draft (3 examples, up to 3 attempts)   asks openai/base');
  expect(drawn({ steps: { draft: { way: 'sequential', group: 6, from: 'real' } } })).toContain(
    '[draft]  draft sequential (3 real examples, groups of 6, up to 3 attempts)   asks openai/instruct',
  );
  const grounded = drawn({
    inputs: { documents: 'docs/*.txt' },
    steps: { draft: { way: 'few-shot', personas: true } },
  });
  expect(grounded).toContain('draft few-shot (3 examples, personas, a document each, up to 3 attempts)');
  expect(grounded).toContain('◄── documents (docs/*.txt)');
  const given = drawn({ inputs: { drafts: 'old.jsonl' }, steps: { draft: { way: 'given' } } });
  expect(given).toContain('[draft]  take the given texts as drafts\n');
  expect(given).toContain('◄── given (old.jsonl)');
});
