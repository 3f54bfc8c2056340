import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { partialPath } from '../../../engines/models/model-cache.js';
import { modelStatus } from '../../../engines/models/model-status.js';
import { type PullOptions, type PullProgress, pull } from '../../../engines/models/pull.js';
import { answer, breakOff, type FileServer, fallSilent, fileServer, hang, serve, serveWhole } from './file-server.js';
import { content, file, smallModel } from './small-model.js';

const entries = [smallModel()];
let cacheDir = '';
let path = '';

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'headwater-models-'));
  path = join(cacheDir, file.name);
});

afterEach(async () => {
  await rm(cacheDir, { recursive: true, force: true });
});

function pullFrom(server: FileServer, options: PullOptions = {}) {
  return pull('small', { cacheDir, entries, endpoint: server.url, answerWithinMs: 200, retryMs: 1, ...options });
}

describe('from a place', () => {
  test('brings a file, reports progress and leaves nothing else behind', async () => {
    await using server = await fileServer(serve(content));
    const progress: PullProgress[] = [];
    const model = await pullFrom(server, { onProgress: (step) => progress.push(step) });
    expect(model.files).toEqual(new Map([[file.name, path]]));
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.requests).toEqual([{ path: '/someone/small/resolve/main/small.gguf', range: undefined }]);
    expect(progress.at(0)?.received).toBe(0);
    expect(progress.at(-1)).toMatchObject({ name: 'small', file: file.name, received: file.bytes, total: file.bytes });
    expect(await readdir(cacheDir)).toEqual([file.name, `${file.name}.checked`]);
    expect(model.notes).toEqual([]);
  });

  test('asks nobody for what is there', async () => {
    await using server = await fileServer(serve(content));
    await pullFrom(server);
    await pullFrom(server);
    expect(server.requests).toHaveLength(1);
  });

  test('goes on where the connection broke', async () => {
    await using server = await fileServer(breakOff(content, 100_000), breakOff(content, 200_000), serve(content));
    await pullFrom(server);
    expect(content.equals(await readFile(path))).toBe(true);
    const ranges = server.requests.map(({ range }) => Number(range?.slice('bytes='.length, -1) ?? 0));
    expect(ranges).toHaveLength(3);
    expect(ranges[1]).toBeGreaterThan(0);
    expect(ranges[2]).toBeGreaterThan(ranges[1] ?? 0);
  });

  test('goes on after the process ended in the middle', async () => {
    await writeFile(partialPath(path, file), content.subarray(0, 120_000));
    await using server = await fileServer(serve(content));
    await pullFrom(server);
    expect(server.requests.map(({ range }) => range)).toEqual(['bytes=120000-']);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  test('needs no place when only the name was missing', async () => {
    await writeFile(partialPath(path, file), content);
    await using server = await fileServer(answer(500));
    await pullFrom(server);
    expect(server.requests).toEqual([]);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  test('starts again where a place ignores ranges', async () => {
    await writeFile(partialPath(path, file), content.subarray(0, 120_000));
    await using server = await fileServer(serveWhole(content));
    await pullFrom(server);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  test('starts again where the kept part was of something else', async () => {
    await writeFile(partialPath(path, file), Buffer.alloc(120_000, 7));
    await using server = await fileServer(serve(content));
    await pullFrom(server);
    expect(server.requests.map(({ range }) => range)).toEqual(['bytes=120000-', undefined]);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  test('stops at an abort and keeps what came', async () => {
    await using server = await fileServer(fallSilent(content, 100_000), serve(content));
    const controller = new AbortController();
    const reason = new Error('enough');
    const pulling = pullFrom(server, {
      answerWithinMs: 5_000,
      signal: controller.signal,
      onProgress: ({ received }) => received > 0 && controller.abort(reason),
    });
    await expect(pulling).rejects.toBe(reason);
    const [status] = await modelStatus({ cacheDir, entries });
    expect(status?.files[0]?.state).toBe('partial');
    await pullFrom(server);
    expect(server.requests.at(-1)?.range).toBe(`bytes=${status?.files[0]?.received}-`);
    expect(content.equals(await readFile(path))).toBe(true);
  });
});

describe('when no place has it', () => {
  const wrong = Buffer.from(content);
  wrong[150_000] = 1 ^ (wrong[150_000] ?? 0);

  test.each([
    ['a wrong hash', serve(wrong), /has the SHA-256 [0-9a-f]{64} instead of/],
    ['a wrong size', serve(content.subarray(1)), /299999 bytes instead of 300000/],
    ['404', answer(404), /it answered 404/],
    ['silence', hang, /did not answer within 0\.2 s/],
    ['breaks without end', breakOff(content, 0), /broke off|cannot be reached/],
    ['silence in the middle', fallSilent(content, 1_000), /broke off at byte 1000/],
  ])('names the place and why: %s', async (_name, behaviour, why) => {
    await using server = await fileServer(behaviour);
    const error = await pullFrom(server, { answerWithinMs: 200 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'model-missing', message: expect.stringMatching(why) });
    expect(error).toMatchObject({ message: expect.stringContaining('Hugging Face (someone/small)') });
    expect(error).toMatchObject({ message: expect.stringContaining('models.base.model') });
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  test('nothing listens there', async () => {
    const server = await fileServer(hang);
    await server[Symbol.asyncDispose]();
    await expect(pullFrom(server)).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('offline asks nobody', async () => {
    await using server = await fileServer(serve(content));
    await expect(pullFrom(server, { offline: true })).rejects.toMatchObject({ code: 'model-missing' });
    expect(server.requests).toEqual([]);
  });

  test('an unknown name lists the known ones', async () => {
    await expect(pull('gemma', { cacheDir })).rejects.toMatchObject({
      code: 'recipe-invalid',
      message: expect.stringContaining('gemma-3-270m, smollm2-135m-instruct, wordllama-256'),
    });
  });
});

describe('a kept file', () => {
  beforeEach(async () => {
    await using server = await fileServer(serve(content));
    await pullFrom(server);
  });

  test('that was cut is fetched again, with a note', async () => {
    await truncate(path, 1_000);
    await using server = await fileServer(serve(content));
    const { notes } = await pullFrom(server);
    expect(notes).toEqual([expect.stringContaining('1000 bytes instead of 300000; it was fetched again')]);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  test('whose bytes changed is fetched again', async () => {
    await writeFile(path, Buffer.alloc(content.byteLength, 1));
    await using server = await fileServer(serve(content));
    const { notes } = await pullFrom(server);
    expect(notes).toEqual([expect.stringContaining('its SHA-256 is')]);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  test.each([true, false])(
    'that is damaged and cannot be fetched is said to be damaged (offline: %s)',
    async (offline) => {
      await truncate(path, 1_000);
      await using server = await fileServer(answer(404));
      await expect(pullFrom(server, { offline })).rejects.toMatchObject({
        code: 'model-damaged',
        message: expect.stringContaining(path),
      });
    },
  );

  test('is hashed only when it or its time changed', async () => {
    const { mtime } = await stat(path);
    await writeFile(path, Buffer.alloc(content.byteLength, 1));
    await utimes(path, mtime, mtime);
    const remembered = JSON.parse(await readFile(`${path}.checked`, 'utf8'));
    await writeFile(`${path}.checked`, JSON.stringify({ ...remembered, mtimeMs: (await stat(path)).mtimeMs }));
    await using server = await fileServer(answer(404));
    await pullFrom(server);
    expect(server.requests).toEqual([]);
  });

  test('is used offline', async () => {
    await using server = await fileServer(answer(404));
    expect((await pullFrom(server, { offline: true })).files.get(file.name)).toBe(path);
  });

  test('is in the status, with its licence', async () => {
    const [status] = await modelStatus({ cacheDir, entries });
    expect(status).toMatchObject({ name: 'small', present: true, bytes: 300_000, licence: { name: 'none' } });
    expect(status?.files).toEqual([{ name: file.name, path, bytes: 300_000, state: 'present', received: 300_000 }]);
  });
});

describe('the disk', () => {
  test('without room for the file is said to be full before anything is fetched', async () => {
    await using server = await fileServer(serve(content));
    const [entry] = entries;
    const huge = entries.map((model) => ({ ...model, files: [{ ...file, bytes: 2 ** 60 }] }));
    expect(entry?.files[0]?.bytes).toBe(300_000);
    await expect(pullFrom(server, { entries: huge })).rejects.toMatchObject({ code: 'store-full' });
    expect(server.requests).toEqual([]);
  });

  test('that fills up on the way is said to be full (needs /dev/full, which Linux has)', async () => {
    await symlink('/dev/full', partialPath(path, file));
    await using server = await fileServer(serve(content));
    await expect(pullFrom(server)).rejects.toMatchObject({
      code: 'store-full',
      message: expect.stringContaining(path),
    });
  });

  test('with a file where the folder should be is said to be unwritable', async () => {
    await writeFile(path, '');
    await using server = await fileServer(serve(content));
    await expect(pullFrom(server, { cacheDir: join(path, 'models') })).rejects.toMatchObject({
      code: 'store-unwritable',
    });
  });
});

describe('two pulls at once', () => {
  test('in one process fetch once', async () => {
    await using server = await fileServer(serve(content));
    await Promise.all([pullFrom(server), pullFrom(server), pullFrom(server)]);
    expect(server.requests).toHaveLength(1);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  test('in two processes fetch once', async () => {
    await using server = await fileServer(serve(content));
    const module = new URL('../../../dist/engines/models/pull.js', import.meta.url).href;
    const options = JSON.stringify({ cacheDir, entries, endpoint: server.url });
    const script = `const { pull } = await import('${module}'); await pull('small', ${options});`;
    const once = () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    await Promise.all([once(), once()]);
    expect(server.requests).toHaveLength(1);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  test('take over from a process that died', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--print', 'process.pid']);
    const owner = { pid: Number(stdout), host: hostname(), owner: 'gone' };
    await writeFile(join(cacheDir, 'small.lock'), JSON.stringify(owner));
    await using server = await fileServer(serve(content));
    await pullFrom(server);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  test('wait for one that lives, and stop waiting at an abort', async () => {
    const lock = join(cacheDir, 'small.lock');
    const owner = { pid: process.pid, host: hostname(), owner: 'somebody else' };
    await writeFile(lock, JSON.stringify(owner));
    await copyFile(lock, `${lock}.copy`);
    await using server = await fileServer(serve(content));
    const signal = AbortSignal.timeout(300);
    await expect(pullFrom(server, { signal })).rejects.toMatchObject({ name: /AbortError|TimeoutError/ });
    expect(await readFile(lock)).toEqual(await readFile(`${lock}.copy`));
    expect(server.requests).toEqual([]);
  });
});
