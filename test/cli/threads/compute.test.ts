import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, describe, expect, test } from 'vitest';

import { compute, inTurns } from '../../../cli/threads/compute.js';
import { inThread } from '../../../cli/threads/in-thread.js';
import { steppedTask, type Task, wholeTask } from '../../../cli/threads/task.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import { startedThreads } from './started-threads.js';

const folder = mkdtempSync(join(tmpdir(), 'headwater-threads-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = join(folder, 'tasks.mjs');
const module = pathToFileURL(file).href;
const errors = new URL('../../../dist/schemas/errors.js', import.meta.url).href;

// what a thread imports; the tasks of the test have the same name, and do the same
writeFileSync(
  file,
  `import { HeadwaterError } from '${errors}';
  const whole = (run) => ({ begin: (job, tell) => ({ next: () => ({ done: true, value: run(job, tell) }) }) });
  export const sum = whole(({ numbers }) => numbers.reduce((all, value) => all + value, 0));
  export const unreadable = whole(() => {
    throw new HeadwaterError('input-unreadable', 'no such file', { cause: new RangeError('far') });
  });
  export const mistaken = whole(() => { throw new TypeError('points: expected finite numbers'); });
  export const dying = whole(() => process.exit(3));
  export const odd = whole(() => { throw () => 'a function'; });
  export const endless = whole((job, tell) => { for (let n = 0; ; n++) tell(n); });
  export const shared = whole(({ numbers }) => void numbers.fill(7));`,
);

const place = { module, does: 'adds up', remedy: 'add less', estimatedMs: () => 1000 };
const sum = wholeTask<{ numbers: Float64Array }, number>({ ...place, name: 'sum' }, ({ numbers }) =>
  numbers.reduce((all, value) => all + value, 0),
);
const other = <Job = null>(name: string): Task<Job, unknown> => wholeTask({ ...place, name }, () => null);
const signal = new AbortController().signal;

/** What `run` fails with, and the threads that it starts and leaves. */
async function failureOf(run: () => Promise<unknown>) {
  const threads = startedThreads();
  const error: unknown = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, started: threads.started, left: threads.left };
}

describe('a task', () => {
  test('is done by a thread where it is large, and here where it is not', async () => {
    const numbers = Float64Array.of(0.1, 0.2, 0.3);
    const threads = startedThreads();
    expect(await compute({ ...sum, estimatedMs: () => 1 }, { numbers }, { signal })).toBe(0.1 + 0.2 + 0.3);
    expect(threads.started).toBe(0);
    expect(await compute(sum, { numbers }, { signal })).toBe(0.1 + 0.2 + 0.3);
    expect([threads.started, threads.left]).toEqual([1, 0]);
  });

  test('works on shared memory, which is not copied', async () => {
    const numbers = new Float32Array(new SharedArrayBuffer(16));
    await inThread(other<{ numbers: Float32Array }>('shared'), { numbers }, { signal });
    expect([...numbers]).toEqual([7, 7, 7, 7]);
  });
});

describe('an error in a thread', () => {
  test('of ours comes back with its code, its message and its cause', async () => {
    const { error, started, left } = await failureOf(() => inThread(other('unreadable'), null, { signal }));
    expect(error).toBeInstanceOf(HeadwaterError);
    expect(error).toMatchObject({ name: 'HeadwaterError', code: 'input-unreadable', message: 'no such file' });
    expect(error instanceof Error && error.cause).toEqual(new RangeError('far'));
    expect(error instanceof Error && error.stack).toContain('tasks.mjs');
    expect([started, left]).toEqual([1, 0]);
  });

  test('of a kernel is the same as here', async () => {
    const { error } = await failureOf(() => inThread(other('mistaken'), null, { signal }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: 'points: expected finite numbers' });
  });

  test.each([
    ['that ends by itself', 'dying', /^the thread that adds up stopped; add less$/],
    ['that throws what cannot be sent', 'odd', /^the thread that adds up stopped.*; add less$/],
  ])('%s is engine-failed, with what can be done', async (_, name, message) => {
    const { error, started, left } = await failureOf(() => inThread(other(name), null, { signal }));
    expect(error).toMatchObject({ code: 'engine-failed', message: expect.stringMatching(message) });
    expect([started, left]).toEqual([1, 0]);
  });

  test('for want of the task names it', async () => {
    const { error } = await failureOf(() => inThread(other('nothing'), null, { signal }));
    expect(error).toMatchObject({ message: expect.stringContaining("exports no task 'nothing'") });
  });
});

describe('an abort', () => {
  test('ends a thread at once with its reason, and progress is told until then', async () => {
    const stop = new AbortController();
    const told: unknown[] = [];
    let stopped = Number.POSITIVE_INFINITY;
    const progress = (value: unknown) => {
      told.push(value);
      if (told.length < 2) return;
      stopped = performance.now();
      stop.abort(new Error('enough'));
    };
    const { error, started, left } = await failureOf(() =>
      inThread(other('endless'), null, { signal: stop.signal, progress }),
    );
    expect(error).toEqual(new Error('enough'));
    expect([started, left]).toEqual([1, 0]);
    expect(performance.now() - stopped).toBeLessThan(1000);
    expect(told.length).toBe(2);
    expect(Number(told[1])).toBeGreaterThan(Number(told[0]));
  });

  test('before it begins starts no thread', async () => {
    const aborted = AbortSignal.abort(new Error('too late'));
    await expect(inThread(other('endless'), null, { signal: aborted })).rejects.toThrow('too late');
    await expect(inTurns(other('endless'), null, { signal: aborted })).rejects.toThrow('too late');
  });

  test('here ends it at its next pause; others have their turn meanwhile', async () => {
    const stop = new AbortController();
    let turns = 0;
    const timer = setInterval(() => {
      turns++;
      if (turns === 3) stop.abort(new Error('enough'));
    }, 1);
    const endless = steppedTask<null, never, number>({ ...place, name: 'endless' }, function* (_, tell) {
      for (let n = 0; ; n++) {
        tell(n);
        yield;
      }
    });
    let told = 0;
    const progress = () => void told++;
    await expect(inTurns(endless, null, { signal: stop.signal, progress })).rejects.toThrow('enough');
    clearInterval(timer);
    expect(turns).toBe(3);
    expect(told).toBeGreaterThan(3);
  });
});
