import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { catalogue, modelEntry } from '../../../engines/models/catalogue.js';
import { modelFolder } from '../../../engines/models/model-cache.js';
import { pull } from '../../../engines/models/pull.js';

test('every file of the catalogue is offered by every place of its model', () => {
  for (const { files, places } of catalogue) {
    for (const file of files) {
      expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
      for (const place of places) {
        expect(Object.keys(place.kind === 'hub' ? place.paths : place.members)).toContain(file.name);
      }
    }
  }
});

test('file names and model names are used once', () => {
  const names = catalogue.flatMap(({ name, files }) => [name, ...files.map((file) => file.name)]);
  expect(new Set(names).size).toBe(names.length);
});

test('the static model comes, with the hash of the catalogue, into an empty folder', async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), 'headwater-models-'));
  try {
    const { files, entry } = await pull('wordllama-256', { cacheDir });
    expect(entry).toBe(modelEntry('wordllama-256'));
    expect([...files.keys()]).toEqual(['wordllama-256.safetensors', 'wordllama-256.tokenizer.json']);
    await expect(pull('wordllama-256', { cacheDir, offline: true })).resolves.toMatchObject({ notes: [] });
  } finally {
    await rm(cacheDir, { recursive: true, force: true });
  }
}, 120_000);

test.each([
  [{ HEADWATER_MODELS: '/m' }, 'linux', '/m'],
  [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, 'linux', '/x/headwater/models'],
  [{ HOME: '/h' }, 'linux', '/h/.cache/headwater/models'],
  [{ HOME: '/h' }, 'darwin', '/h/Library/Caches/headwater/models'],
  [{ LOCALAPPDATA: '/l' }, 'win32', '/l/headwater/Cache/models'],
] as const)('the folder of %j on %s is %s', (env, platform, folder) => {
  expect(modelFolder(env, platform)).toBe(folder);
});
