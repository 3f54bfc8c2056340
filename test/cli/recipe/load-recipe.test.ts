import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { loadRecipe, type RecipeOverrides } from '../../../cli/recipe/load-recipe.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-recipes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lines = [
  'name: mails',
  'domain:',
  '  about: short e-mails',
  '  fields: {subject: {}, body: {}}',
  'inputs:',
  '  seeds: seeds.jsonl',
  'models:',
  '  base:',
  '    engine: llama',
  '    model: gemma-3-270m',
  '    temperature: 0.9',
  'steps: {refine: off}',
  'target: {samples: 10}',
];

/** The recipe above with lines replaced, by their number from 1. */
function edited(changes: Readonly<Record<number, string>>): string {
  return lines.map((line, index) => changes[index + 1] ?? line).join('\n');
}

async function load(content: string | Uint8Array, overrides: Partial<RecipeOverrides> = {}, env = {}) {
  const file = join(folder, 'mails.yaml');
  await writeFile(file, content);
  try {
    return await loadRecipe(file, { set: [], ...overrides }, env);
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(`${folder}/`, '');
    throw error;
  }
}

async function refusal(content: string | Uint8Array, overrides: Partial<RecipeOverrides> = {}): Promise<string> {
  const error = await load(content, overrides).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: 'HeadwaterError', code: 'recipe-invalid' });
  return error instanceof Error ? error.message : '';
}

describe('a recipe that is right', () => {
  test('comes with its defaults, file and folder', async () => {
    const { recipe, file, dir, warnings } = await load(edited({}));
    expect(file).toBe(join(folder, 'mails.yaml'));
    expect(dir).toBe(folder);
    expect(recipe).toMatchObject({ name: 'mails', seed: 7, shards: { dir: 'out' }, steps: { refine: 'off' } });
    expect(warnings).toEqual(
      ['mails.yaml:5: inputs: without real, the distance to the real distribution is not measured'].map(
        (warning) => `${folder}/${warning}`,
      ),
    );
  });

  test.each(['emails', 'word-problems'])('may be the built-in %s', async (name) => {
    const { recipe, warnings } = await loadRecipe(name, { set: [] }, {});
    expect(recipe.name).toBe(name);
    expect(warnings.filter((warning) => !warning.includes('without real'))).toEqual([]);
  });

  test('takes values from the command line, the later one winning', async () => {
    const set = [
      'models.base.temperature=0.5',
      'seed=1',
      'seed=8',
      'domain.vary={tone: [a, b]}',
      'domain.vary.tone.1=c',
    ];
    const { recipe } = await load(edited({}), { set, samples: 3, out: 'elsewhere' });
    expect(recipe).toMatchObject({
      seed: 8,
      models: { base: { temperature: 0.5 } },
      domain: { vary: { tone: ['a', 'c'] } },
      target: { samples: 3 },
      shards: { dir: 'elsewhere' },
    });
  });
});

describe('a recipe that is wrong names line, path and what to do', () => {
  test.each<[string, Record<number, string>, string]>([
    [
      'wrong type',
      { 11: '    temperature: warm' },
      'mails.yaml:11: models.base.temperature: expected number, received string',
    ],
    [
      'unknown key',
      { 11: '    temprature: 0.9' },
      "mails.yaml:11: models.base.temprature: unknown key, did you mean 'temperature'?",
    ],
    [
      'unknown key at the top',
      { 13: 'targt: {samples: 1}' },
      "mails.yaml:13: targt: unknown key, did you mean 'target'?",
    ],
    ['key of another engine', { 11: '    url: http://x' }, 'mails.yaml:11: models.base.url: only with engine: openai'],
    [
      'unknown engine',
      { 9: '    engine: lama' },
      "mails.yaml:9: models.base.engine: expected 'openai', 'openai-batch', 'llama' or 'replay', received 'lama', did you mean 'llama'?",
    ],
    ['missing key', { 10: '' }, 'mails.yaml:8: models.base.model: is missing: expected string'],
    [
      'key of a union',
      { 13: 'target: {sample: 1}' },
      "mails.yaml:13: target.sample: unknown key, did you mean 'samples'?",
    ],
    [
      'empty union',
      { 13: 'target: {}' },
      "mails.yaml:13: target: expected one of the keys 'samples', 'endless' or 'budget'",
    ],
    [
      'value in a union',
      { 13: 'target: {samples: 0}' },
      'mails.yaml:13: target.samples: too small: expected number to be >0, received 0',
    ],
    [
      'other kind than a union has',
      { 6: '  seeds: 5' },
      'mails.yaml:6: inputs.seeds: expected string or mapping, received number',
    ],
    [
      'key of an input',
      { 6: '  seeds: {topc: seeds}' },
      "mails.yaml:6: inputs.seeds.topc: unknown key, did you mean 'topic'?",
    ],
    [
      'two branches of a union at once',
      { 13: 'target: {samples: 1, endless: true}' },
      'mails.yaml:13: target.endless: not together with samples',
    ],
    [
      'switch',
      { 12: 'steps: {refine: of}' },
      "mails.yaml:12: steps.refine: expected 'off', false or mapping, received string",
    ],
    [
      'key of a step',
      { 12: 'steps: {refine: {minCosin: 1}}' },
      "mails.yaml:12: steps.refine.minCosin: unknown key, did you mean 'minCosine'?",
    ],
    [
      'key of the other test for drift',
      { 12: 'steps: {rollingMmd: {drift: {test: newma, reference: 512}}}' },
      'mails.yaml:12: steps.rollingMmd.drift.reference: only with test: calibrated',
    ],
    [
      'name of a field',
      { 4: '  fields: {a b: {}}' },
      "mails.yaml:4: domain.fields.a b: 'a b' is no name: expected a letter, then letters, digits or _",
    ],
    [
      'regular expression',
      { 4: "  fields: {a: {match: '['}}" },
      "mails.yaml:4: domain.fields.a.match: expected a regular expression, received '['",
    ],
    [
      'shares',
      { 3: '  about: x\n  label: {field: k, values: [a, b], shares: [1]}' },
      'mails.yaml:4: domain.label.shares: expected one share for each value',
    ],
    [
      'a value twice',
      { 3: '  about: x\n  label: {field: k, values: [a, a]}' },
      "mails.yaml:4: domain.label.values: 'a' is there twice",
    ],
    ['no instruct model', { 12: 'steps: {}' }, 'mails.yaml:7: models.instruct: is missing: the step refine needs it'],
    ['duplicate key', { 12: 'name: again' }, 'mails.yaml:12: Map keys must be unique'],
    ['syntax', { 13: 'target: {samples: 1' }, 'mails.yaml:13: '],
  ])('%s', async (_, changes, message) => {
    expect(await refusal(edited(changes))).toContain(message);
  });

  test('five problems, and how many more', async () => {
    const message = await refusal(`${lines.join('\n')}\na: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1`);
    expect(message.split('\n')).toHaveLength(6);
    expect(message).toMatch(/and 2 more$/);
  });

  test('a recipe that is a list, a text, empty, binary, a folder, or not UTF-8', async () => {
    expect(await refusal('- a\n- b')).toContain('mails.yaml:1: the recipe: expected mapping, received list');
    expect(await refusal('hello')).toContain('the recipe: expected mapping, received string');
    expect(await refusal('')).toContain('mails.yaml:1: name: is missing: expected string');
    expect(await refusal(Uint8Array.of(1, 0, 2))).toContain('a binary file: expected YAML');
    expect(await refusal(Uint8Array.of(0x61, 0xe9))).toContain('not UTF-8');
    await expect(loadRecipe(folder, { set: [] })).rejects.toThrow('it is a folder');
  });

  test('a bomb of aliases, and brackets that never end, are refused at once', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) =>
        `l${i}: &l${i} [${Array(9)
          .fill(i === 0 ? 'x' : `*l${i - 1}`)
          .join(', ')}]`,
    );
    const start = performance.now();
    expect(await refusal(levels.join('\n'))).toContain('Excessive alias count');
    expect(await refusal('['.repeat(200_000))).toMatch(/mails\.yaml/);
    expect(await refusal(`# ${'x'.repeat(2 ** 20)}`)).toContain('longer than 1 MiB');
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('a recipe that is not there, with the nearest built-in name', async () => {
    await expect(loadRecipe('email', { set: [] })).rejects.toThrow(
      "'email' is neither a file nor a built-in recipe, did you mean 'emails'?",
    );
    await expect(loadRecipe('nothing.yaml', { set: [] })).rejects.toThrow('nothing.yaml does not exist');
  });

  test.each([
    [
      'models.base.temprature=1',
      "--set models.base.temprature=1: models.base.temprature: unknown key, did you mean 'temperature'?",
    ],
    [
      'models.base.temperature=hot',
      '--set models.base.temperature=hot: models.base.temperature: expected number, received string',
    ],
    ['seed', '--set seed: expected path=value'],
    ['=1', '--set =1: expected path=value'],
    ['__proto__.polluted=1', 'expected path=value'],
    ['seed=[1', '--set seed=[1: the value is not YAML'],
    [
      'inputs.seeds.topic=x',
      "inputs.seeds is not a mapping in the recipe: set it as a whole, --set 'inputs.seeds={topic: VALUE}'",
    ],
  ])('--set %s', async (set, message) => {
    expect(await refusal(edited({}), { set: [set] })).toContain(message);
  });
});

describe('environment variables', () => {
  const remote = "  base: {engine: openai, url: 'http://127.0.0.1:1/v1', model: m, key: $HEADWATER_TEST_KEY}";
  const recipe = edited({ 8: remote, 9: '', 10: '', 11: '' });

  test('that are not set are named', async () => {
    await expect(load(recipe)).rejects.toMatchObject({
      code: 'environment-missing',
      message: expect.stringContaining(
        'mails.yaml:8: models.base.key: the environment variable HEADWATER_TEST_KEY is not set',
      ),
    });
    await expect(load(recipe, {}, { HEADWATER_TEST_KEY: 'x' })).resolves.toBeDefined();
  });

  test('of models that are not in use do not matter', async () => {
    const unused = edited({
      11: "  instruct: {engine: openai, url: 'http://127.0.0.1:1/v1', model: m, key: $HEADWATER_TEST_KEY}",
    });
    await expect(load(unused)).resolves.toMatchObject({
      warnings: expect.arrayContaining([expect.stringContaining('models.instruct: has no effect')]),
    });
  });
});
