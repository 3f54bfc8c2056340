import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { open as lmdb } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openLog } from '../../../streams/log/open-log.js';
import type { Task, Topics } from '../../../streams/topics.js';
import { topicsContract } from '../topics-contract.js';

const wide = { maxRecords: 10_000, maxBytes: 2 ** 30 };

topicsContract('the embedded log', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-log-'));
  let topics = await openLog({ dir });
  return {
    topics,
    reopen: async () => {
      await topics.close();
      topics = await openLog({ dir });
      return topics;
    },
    close: async () => {
      await topics.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
});

describe('the embedded log', () => {
  let dir: string;
  let open: Topics[];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'headwater-log-'));
    open = [];
  });
  afterEach(async () => {
    for (const topics of open) await topics.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function log(now?: () => number): Promise<Topics> {
    const topics = await openLog(now === undefined ? { dir } : { dir, now });
    open.push(topics);
    return topics;
  }

  /** Fills a topic with messages of 100 KiB, each with the clock's time. */
  async function fill(topics: Topics, count: number, tick: () => void = () => {}): Promise<void> {
    for (let sent = 0; sent < count; sent += 1) {
      await topics.append([{ topic: 'in', partition: 0, key: null, value: new Uint8Array(100 * 1024) }]);
      tick();
    }
  }

  it('drops the oldest messages beyond its bytes', async () => {
    const topics = await log();
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete', retention: { bytes: 1024 * 1024 } }]);
    await fill(topics, 30);
    expect(await topics.offsets('in')).toEqual([{ low: 20, high: 30 }]);
    expect((await topics.read('in', 0, 0, wide)).map(({ offset }) => offset)).toEqual([
      20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
    ]);
  });

  it('drops messages that are too old, when new ones come', async () => {
    let time = 0;
    const topics = await log(() => time);
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete', retention: { ageMs: 1000 } }]);
    await fill(topics, 20, () => {
      time += 100;
    });
    expect(await topics.offsets('in')).toEqual([{ low: 9, high: 20 }]);
    time = 1e6;
    await fill(topics, 1);
    expect(await topics.offsets('in')).toEqual([{ low: 20, high: 21 }]);
  });

  it('keeps what a group has not consumed, whatever the retention', async () => {
    const topics = await log();
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete', retention: { bytes: 1 } }]);
    const tasks: Task[] = [];
    await topics.join({ group: 'slow', topics: ['in'], assigned: (task) => tasks.push(task) });
    await fill(topics, 10);
    expect(await topics.offsets('in')).toEqual([{ low: 0, high: 10 }]);
    await tasks[0]?.commit({ outputs: [], offsets: new Map([['in', 7]]) });
    await fill(topics, 1);
    expect(await topics.offsets('in')).toEqual([{ low: 7, high: 11 }]);
  });

  it('gives the room of dropped messages to new ones', async () => {
    const topics = await log();
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete', retention: { bytes: 1024 * 1024 } }]);
    await fill(topics, 300);
    expect((await stat(join(dir, 'log.mdb'))).size).toBeLessThan(6 * 2 ** 20);
  });

  it('takes a new retention of an existing topic', async () => {
    const topics = await log();
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
    await fill(topics, 10);
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete', retention: { bytes: 300 * 1024 } }]);
    await fill(topics, 1);
    expect(await topics.offsets('in')).toEqual([{ low: 9, high: 11 }]);
  });

  it('grows far beyond its first size, in one write and in many', async () => {
    const topics = await log();
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
    const value = new Uint8Array(20 * 2 ** 20).fill(3);
    await topics.append([{ topic: 'in', partition: 0, key: null, value }]);
    await fill(topics, 200);
    const [large, ...rest] = await topics.read('in', 0, 0, wide);
    expect(large?.value?.byteLength).toBe(value.byteLength);
    expect(rest).toHaveLength(200);
  });

  it('lets two openings of one folder in one process see each other, and outlive each other', async () => {
    const [one, two] = [await log(), await log()];
    await one.ensure([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
    const tasks: Task[] = [];
    await two.join({ group: 'two', topics: ['in'], assigned: (task) => tasks.push(task) });
    const fetched = tasks[0]?.fetch('in', 0, wide, new AbortController().signal);
    await fill(one, 1);
    expect(await fetched).toHaveLength(1);
    await one.close();
    await fill(two, 1);
    expect(await two.offsets('in')).toEqual([{ low: 0, high: 2 }]);
  });

  it('finishes what was asked before close', async () => {
    const topics = await log();
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
    const writes = Array.from({ length: 50 }, (_, n) =>
      topics.append([{ topic: 'in', partition: 0, key: null, value: Uint8Array.of(n) }]),
    );
    await Promise.all([topics.close(), topics.close()]);
    expect((await Promise.all(writes)).flat()).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(await (await log()).offsets('in')).toEqual([{ low: 0, high: 50 }]);
  });

  it('ends waiting fetches and tasks on close', async () => {
    const topics = await log();
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
    const tasks: Task[] = [];
    await topics.join({ group: 'g', topics: ['in'], assigned: (task) => tasks.push(task) });
    const fetched = tasks[0]?.fetch('in', 0, wide, new AbortController().signal);
    await topics.close();
    expect(await fetched).toEqual([]);
    expect(tasks[0]?.lost.aborted).toBe(true);
    await expect(tasks[0]?.commit({ outputs: [], offsets: new Map() })).rejects.toMatchObject({ code: 'task-lost' });
  });

  it('refuses a store of a newer format, and keeps it unharmed', async () => {
    await (await log()).close();
    const raw = lmdb({ path: join(dir, 'log.mdb'), encoding: 'json' });
    await raw.put('format', 99);
    await raw.close();
    await expect(openLog({ dir })).rejects.toMatchObject({
      code: 'store-newer',
      message: expect.stringContaining('99'),
    });
    await expect(openLog({ dir })).rejects.toMatchObject({ code: 'store-newer' });
  });

  it('refuses a path that cannot be a folder, and a file that is no store', async () => {
    await writeFile(join(dir, 'file'), 'x');
    await expect(openLog({ dir: join(dir, 'file', 'log') })).rejects.toMatchObject({ code: 'store-unwritable' });
    await writeFile(join(dir, 'log.mdb'), 'this is not a store'.repeat(1000));
    await expect(openLog({ dir })).rejects.toMatchObject({ code: 'store-unwritable' });
  });

  it('refuses names and numbers of partitions that cannot be', async () => {
    const topics = await log();
    await expect(topics.ensure([{ name: 'a b', partitions: 1, cleanup: 'delete' }])).rejects.toThrow("got 'a b'");
    await expect(topics.ensure([{ name: 'a', partitions: 0, cleanup: 'delete' }])).rejects.toThrow('got 0');
  });
});
