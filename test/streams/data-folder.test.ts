import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type DataFolderOptions, openDataFolder, readDataFolder } from '../../streams/data-folder.js';

const recipe = {
  name: 'emails',
  models: { base: { engine: 'llama', model: 'small' } },
  target: { samples: 10 },
  steps: { draft: { examples: 3 } },
  labels: ['a', 'b'],
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'headwater-data-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** A process that tries to take the folder, says how that went, and holds it until its input ends. */
function taker(folder: string) {
  const module = new URL('../../dist/streams/data-folder.js', import.meta.url).href;
  const code = `
    import { openDataFolder } from ${JSON.stringify(module)};
    try {
      const folder = await openDataFolder({ dir: process.argv[1], recipe: {} });
      await folder.keep();
      console.log('taken');
      process.stdin.resume();
      process.stdin.on('end', () => folder.close());
    } catch (error) {
      console.log(error.code + ' ' + error.message);
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = once(createInterface(child.stdout), 'line').then(([text]) => String(text));
  return { child, line, exited: once(child, 'exit') };
}

/** Opens the folder, keeps the recipe in it, and closes it. */
async function keptBy(options: DataFolderOptions): Promise<void> {
  const folder = await openDataFolder(options);
  await folder.keep();
  await folder.close();
}

describe('openDataFolder', () => {
  it('makes the folder and remembers the recipe', async () => {
    const folder = await openDataFolder({ dir: join(dir, 'deep', 'er'), recipe });
    expect(folder.dir).toBe(join(dir, 'deep', 'er'));
    expect(folder.topicsDir.startsWith(folder.dir)).toBe(true);
    expect(folder.isNew).toBe(true);
    await folder.keep();
    await folder.close();
    expect((await readDataFolder(folder.dir)).recipe).toEqual(recipe);
  });

  it('belongs to no recipe before it is kept', async () => {
    await (await openDataFolder({ dir, recipe: { name: 'other' } })).close();
    await expect(readDataFolder(dir)).rejects.toMatchObject({ code: 'data-missing' });
    await keptBy({ dir, recipe });
    const again = await openDataFolder({ dir, recipe });
    expect(again.isNew).toBe(false);
    await again.close();
  });

  it('opens again with the same recipe, whatever the order of its fields', async () => {
    await keptBy({ dir, recipe });
    const turned = Object.fromEntries(Object.entries(recipe).reverse());
    await keptBy({ dir, recipe: turned });
  });

  it('refuses another recipe, and names each path with both values', async () => {
    await keptBy({ dir, recipe });
    const other = { ...recipe, steps: { draft: { examples: 5 } }, labels: ['b'], extra: true };
    const refused = openDataFolder({ dir, recipe: other });
    await expect(refused).rejects.toMatchObject({ code: 'data-foreign' });
    const error: unknown = await refused.catch((cause: unknown) => cause);
    expect(String(error)).toContain('steps.draft.examples: 3 there, 5 now');
    expect(String(error)).toContain('labels: ["a","b"] there, ["b"] now');
    expect(String(error)).toContain('extra: nothing there, true now');
    expect(String(error)).not.toContain('target');
    await keptBy({ dir, recipe });
    expect((await readDataFolder(dir)).recipe).toEqual(recipe);
  });

  it('refuses a second opening in the same process, until the first is closed', async () => {
    const folder = await openDataFolder({ dir, recipe });
    const second = openDataFolder({ dir, recipe });
    await expect(second).rejects.toMatchObject({
      code: 'data-in-use',
      message: expect.stringContaining(`${process.pid}`),
    });
    await folder.close();
    await folder.close();
    await keptBy({ dir, recipe });
  });

  it('gives the folder to one of two calls at the same time', async () => {
    const both = await Promise.allSettled([1, 2].map(() => openDataFolder({ dir, recipe })));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    for (const each of both) if (each.status === 'fulfilled') await each.value.close();
  });

  it('refuses a folder that another process has, naming its pid', async () => {
    const { child, line, exited } = taker(dir);
    expect(await line).toBe('taken');
    await expect(openDataFolder({ dir, recipe: {} })).rejects.toMatchObject({
      code: 'data-in-use',
      message: expect.stringContaining(`process ${child.pid} `),
    });
    expect((await readDataFolder(dir)).recipe).toEqual({});
    child.stdin.end();
    expect(await exited).toEqual([0, null]);
    await keptBy({ dir, recipe: {} });
  });

  it('takes over from a process that was killed', async () => {
    const { child, line, exited } = taker(dir);
    expect(await line).toBe('taken');
    child.kill('SIGKILL');
    await exited;
    await keptBy({ dir, recipe: {} });
  });

  it('gives a dead folder to exactly one of many', async () => {
    const dead = taker(dir);
    expect(await dead.line).toBe('taken');
    dead.child.kill('SIGKILL');
    await dead.exited;
    const rivals = [1, 2, 3, 4].map(() => taker(dir));
    const lines = await Promise.all(rivals.map(({ line }) => line));
    expect(lines.filter((line) => line === 'taken')).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('data-in-use'))).toHaveLength(3);
    for (const { child, exited } of rivals) {
      child.stdin.end();
      expect(await exited).toEqual([0, null]);
    }
  });

  it('refuses a folder of an earlier version', async () => {
    await writeFile(join(dir, 'pipeline.json'), JSON.stringify({ format: 2, recipe }));
    const earlier = { code: 'data-foreign', message: expect.stringContaining('earlier version') };
    await expect(openDataFolder({ dir, recipe })).rejects.toMatchObject(earlier);
  });

  it('refuses a newer format, and keeps it unharmed', async () => {
    const newer = JSON.stringify({ format: 4, plan: 'b' });
    await writeFile(join(dir, 'pipeline.json'), newer);
    await expect(openDataFolder({ dir, recipe })).rejects.toMatchObject({ code: 'store-newer' });
    await expect(readDataFolder(dir)).rejects.toMatchObject({ code: 'store-newer' });
    expect(await readFile(join(dir, 'pipeline.json'), 'utf8')).toBe(newer);
  });

  it.each(['', 'no json', '[]', '{"format":1}'])('refuses a pipeline.json that is not ours: %j', async (content) => {
    await writeFile(join(dir, 'pipeline.json'), content);
    await expect(openDataFolder({ dir, recipe })).rejects.toMatchObject({ code: 'data-foreign' });
  });

  it('refuses a path that cannot be a folder', async () => {
    await writeFile(join(dir, 'file'), '');
    const path = join(dir, 'file', 'data');
    await expect(openDataFolder({ dir: path, recipe })).rejects.toMatchObject({
      code: 'store-unwritable',
      message: expect.stringContaining(path),
    });
  });
});

describe('readDataFolder', () => {
  it('refuses a folder without pipeline', async () => {
    await expect(readDataFolder(dir)).rejects.toMatchObject({ code: 'data-missing' });
    await expect(readDataFolder(join(dir, 'missing'))).rejects.toMatchObject({ code: 'data-missing' });
  });
});
