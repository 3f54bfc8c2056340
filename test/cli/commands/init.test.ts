import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { init } from '../../../cli/commands/init.js';
import { loadRecipe } from '../../../cli/recipe/load-recipe.js';
import { readInput } from '../../../streams/inputs/read-input.js';

let dir = '';
let out = '';
beforeEach(async () => {
  out = '';
  dir = await mkdtemp(join(tmpdir(), 'headwater-init-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function io(json = false) {
  const write = (text: string) => {
    out += text;
  };
  return { out: write, err: () => {}, isTty: false, json };
}

test.each(['emails', 'word-problems'])('writes %s with seeds that fit it, and says what to do next', async (recipe) => {
  expect(await init({ recipe, dir }, io())).toBe(0);
  expect((await readdir(dir)).sort()).toEqual([`${recipe}.yaml`, 'seeds.jsonl'].sort());
  expect(out).toContain(`headwater run ${recipe}.yaml`);

  const loaded = await loadRecipe(join(dir, `${recipe}.yaml`), { set: [] });
  const { domain } = loaded.recipe;
  const seeds = readInput({ kind: 'seeds', source: 'seeds.jsonl', base: loaded.dir, domain });
  const labels: (string | undefined)[] = [];
  for await (const item of seeds) {
    if (item.kind !== 'seed') throw new Error(item.message);
    labels.push(item.label);
    for (const [name, value] of Object.entries(item.vary)) expect(domain.vary[name]).toContain(value);
    expect(Object.keys(item.vary)).toEqual(Object.keys(domain.vary));
    for (const [name, text] of Object.entries(item.fields)) {
      expect(text).toMatch(new RegExp(domain.fields[name]?.match ?? '', 'u'));
    }
  }
  // Any three in a row show both labels.
  expect(labels).toHaveLength(6);
  for (let at = 0; at + 3 <= labels.length; at += 1) expect(new Set(labels.slice(at, at + 3)).size).toBe(2);
});

test('overwrites nothing, and writes nothing then', async () => {
  await writeFile(join(dir, 'seeds.jsonl'), 'mine');
  await expect(init({ dir }, io())).rejects.toThrow('seeds.jsonl exists in');
  expect(await readdir(dir)).toEqual(['seeds.jsonl']);
  expect(await readFile(join(dir, 'seeds.jsonl'), 'utf8')).toBe('mine');
});

test('refuses a name that is not known, and a folder that is not there', async () => {
  await expect(init({ recipe: 'mails', dir }, io())).rejects.toThrow("did you mean 'emails'?");
  await expect(init({ dir: join(dir, 'absent') }, io())).rejects.toMatchObject({ code: 'store-unwritable' });
});

test('prints one JSON document', async () => {
  await init({ dir }, io(true));
  expect(JSON.parse(out)).toEqual({ recipe: 'emails', dir, files: ['emails.yaml', 'seeds.jsonl'] });
});
