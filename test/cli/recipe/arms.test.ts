import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { armsOf, loadRecipe } from '../../../cli/recipe/load-recipe.js';
import { builtInRecipes } from '../../../cli/recipes/built-in.js';

const plain = `name: mails
domain: {about: short e-mails, fields: {subject: {}, body: {maxLength: 500}}}
inputs: {seeds: seeds.jsonl}
models:
  base: {engine: openai, url: 'http://127.0.0.1:1/v1', model: base, temperature: 0.7}
  instruct: {engine: openai, url: 'http://127.0.0.1:1/v1', model: instruct}
target: {samples: 8}
`;

function recipeFile(text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'headwater-arms-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'mails.yaml');
  writeFileSync(file, text);
  return file;
}

const load = (file: string, arm?: string, set: readonly string[] = []) => {
  return loadRecipe(file, { set, ...(arm === undefined ? {} : { arm }) });
};

describe('a recipe with arms', () => {
  const file = () =>
    recipeFile(`${plain}arms:
  whole:
  drafts: { steps: { refine: off } }
  cold: { models: { base: { temperature: 0.1 } }, seed: 9 }
  other:
    models.base: { engine: openai, url: 'http://127.0.0.1:2/v1', model: other }
    domain: { fields.body: { minLength: 20 } }
`);

  it('has them in their order; an ordinary recipe has none', async () => {
    expect(await armsOf(file())).toEqual(['whole', 'drafts', 'cold', 'other']);
    expect(await armsOf(recipeFile(plain))).toEqual([]);
    expect((await load(recipeFile(plain))).recipe.name).toBe('mails');
    expect((await load(file())).recipe.name).toBe('mails');
  });

  it('is merged with a mapping, and replaced by what a path with dots says', async () => {
    const [whole, drafts, cold, other] = await Promise.all(
      ['whole', 'drafts', 'cold', 'other'].map(async (arm) => (await load(file(), arm)).recipe),
    );
    expect(whole).toEqual({ ...(await load(file())).recipe, name: 'mails-whole' });
    expect(drafts).toMatchObject({ name: 'mails-drafts', steps: { refine: 'off' } });
    expect(cold).toMatchObject({ seed: 9, models: { base: { model: 'base', temperature: 0.1 } } });
    expect(other?.models.base).toMatchObject({ model: 'other', url: 'http://127.0.0.1:2/v1' });
    expect(other?.models.base).not.toHaveProperty('temperature', 0.7);
    expect(other?.domain.fields).toMatchObject({ subject: {}, body: { minLength: 20 } });
    expect(other?.domain.fields['body']?.maxLength).toBe(whole?.domain.fields['subject']?.maxLength);
  });

  it('is changed by the command line after the arm', async () => {
    const { recipe } = await load(file(), 'cold', ['seed=11', 'name=letters']);
    expect(recipe).toMatchObject({ seed: 11, name: 'letters-cold' });
  });

  it('has topics of its own on Kafka, also where a prefix is named', async () => {
    const prefixed = ['topics={kind: kafka, prefix: hw}'];
    expect((await load(file(), 'cold', prefixed)).recipe.topics).toMatchObject({ prefix: 'hw-cold' });
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    [
      'an unknown key',
      '{ steps: { refin: off } }',
      /mails\.yaml:9 \(arm other\): steps\.refin: unknown key, did you mean 'refine'/,
    ],
    ['a value of the wrong kind', '{ seed: x }', /mails\.yaml:9 \(arm other\): seed: expected number, received string/],
    [
      'what the parts ask of one another',
      '{ models.instruct: {engine: replay, journal: j}, models.base: {engine: replay} }',
      /models\.base/,
    ],
    ['no mapping', '3', /mails\.yaml:9: arms\.other: /],
    ['a path with an empty name', "{ 'steps..refine': off }", /'steps\.\.refine' is no path/],
    ['a path through what is no mapping', '{ name.x: 1 }', /name is not a mapping in the recipe/],
  ];
  it.each(wrong)('is refused for %s', async (_, changes, message) => {
    const broken = recipeFile(`${plain}arms:\n  other: ${changes}\n`);
    const loading = armsOf(broken).then(() => load(broken, 'other'));
    await expect(loading).rejects.toMatchObject({ code: 'recipe-invalid', message: expect.stringMatching(message) });
  });

  it.each([
    ['{}', /arms: expected at least one arm/],
    ['[a]', /mails\.yaml:8: arms: expected mapping, received list/],
    ['{A B: {}}', /arms\.A B: .*up to 31 lower-case letters/],
    ['{../up: {}}', /up to 31 lower-case letters/],
  ])('is refused where arms are %s', async (arms, message) => {
    const loading = armsOf(recipeFile(`${plain}arms: ${arms}\n`));
    await expect(loading).rejects.toMatchObject({ code: 'recipe-invalid', message: expect.stringMatching(message) });
  });

  it('does not know an arm that is not there', async () => {
    await expect(load(file(), 'draft')).rejects.toMatchObject({
      code: 'recipe-invalid',
      message: expect.stringMatching(/has no arm 'draft', did you mean 'drafts'/),
    });
  });
});

describe('built-in recipes with arms', () => {
  it.each(['bare-vs-instruct', 'bare-vs-instruct-math'])(
    '%s: every arm is a good recipe, by name and by path',
    async (name) => {
      expect(builtInRecipes.map((recipe) => recipe.name)).toContain(name);
      const arms = await armsOf(name);
      expect(arms.slice(0, 4)).toEqual(['base-only', 'base-refine', 'few-shot', 'few-shot-refine']);
      expect(arms).toContain('sequential');
      expect(await armsOf(`recipes/${name}.yaml`)).toEqual(arms);
      for (const arm of arms) expect((await load(name, arm)).recipe.name).toBe(`${name}-${arm}`);
    },
  );
});
