import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openLog } from '../../../streams/log/open-log.js';
import type { StoredMessage, Task, Topics } from '../../../streams/topics.js';
import { logProcess } from './log-process.js';

const wide = { maxRecords: 100_000, maxBytes: 2 ** 30 };
const never = new AbortController().signal;
const text = new TextDecoder();

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'headwater-log-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function values(topics: Topics, topic: string): Promise<readonly string[]> {
  return (await topics.read(topic, 0, 0, wide)).map(textOf);
}

function textOf({ value }: StoredMessage): string {
  return text.decode(value ?? new Uint8Array()).trim();
}

function numbers(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${index}`);
}

describe('a process killed with SIGKILL', { timeout: 120_000 }, () => {
  it('loses nothing that was confirmed, and leaves no half of a commit', async () => {
    let lastLines = 0;
    for (let cycle = 0; cycle < 10; cycle += 1) {
      const writer = logProcess('crash', [dir]);
      const linesBeforeKill = 1 + Math.floor(Math.random() * 120);
      for (let line = 0; line < linesBeforeKill; line += 1) await writer.next();
      writer.child.kill('SIGKILL');
      expect(await writer.ended).toBe('SIGKILL');
      lastLines += writer.lines.length;
      await checkAfterKill(writer.lines, `cycle ${cycle}, killed after ${linesBeforeKill} lines`);
    }
    expect(lastLines).toBeGreaterThan(10);
  });

  async function checkAfterKill(lines: readonly string[], where: string): Promise<void> {
    const topics = await openLog({ dir });
    const written = await values(topics, 'in');
    const left = await values(topics, 'left');
    const [offset] = await topics.committed('copy');
    expect(written, where).toEqual(numbers(written.length));
    expect(written.length, where).toBeGreaterThanOrEqual(lastConfirmed(lines, 'appended'));
    expect(left, where).toEqual(written.slice(0, left.length));
    expect(left.length, where).toBeGreaterThanOrEqual(lastConfirmed(lines, 'committed'));
    expect(await values(topics, 'right'), where).toEqual(left);
    expect(await values(topics, 'last'), where).toEqual(left.slice(-1));
    expect(offset?.offset ?? 0, where).toBe(left.length);
    await topics.close();
  }

  function lastConfirmed(lines: readonly string[], what: string): number {
    const last = lines.findLast((line) => line.startsWith(`${what} `));
    return Number(last?.split(' ')[1] ?? 0);
  }
});

describe('several processes', { timeout: 60_000 }, () => {
  it('read what another one writes, in order, while it writes', async () => {
    const topics = await openLog({ dir });
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
    const tasks: Task[] = [];
    await topics.join({ group: 'reader', topics: ['in'], assigned: (task) => tasks.push(task) });
    const writer = logProcess('append', [dir, 'in', 'w', '300']);
    const seen: string[] = [];
    let fetches = 0;
    while (seen.length < 300) {
      const messages = await tasks[0]?.fetch('in', seen.length, wide, never);
      seen.push(...(messages ?? []).map(textOf));
      fetches += 1;
    }
    expect(seen).toEqual(numbers(300).map((n) => `w ${n}`));
    expect(fetches).toBeGreaterThan(1);
    expect(await writer.ended).toBe(0);
    await topics.close();
  });

  it('append to one partition without losing or mixing up anything', async () => {
    const topics = await openLog({ dir });
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
    const writers = ['a', 'b'].map((name) => logProcess('append', [dir, 'in', name, '200']));
    await Promise.all(
      numbers(100).map((n) => topics.append([{ topic: 'in', partition: 0, key: null, value: Buffer.from(`c ${n}`) }])),
    );
    for (const writer of writers) expect(await writer.ended).toBe(0);
    const all = await values(topics, 'in');
    expect(all).toHaveLength(500);
    for (const [name, count] of [
      ['a', 200],
      ['b', 200],
      ['c', 100],
    ] as const) {
      expect(all.filter((value) => value.startsWith(name))).toEqual(numbers(count).map((n) => `${name} ${n}`));
    }
    const stored = await topics.read('in', 0, 0, wide);
    expect(stored.map(({ offset }) => offset)).toEqual(stored.map((_, index) => index));
    await topics.close();
  });

  it('refuse the commits of one whose partition another one took', async () => {
    const topics = await openLog({ dir });
    await topics.ensure(['in', 'out'].map((name) => ({ name, partitions: 1, cleanup: 'delete' })));
    const zombie = logProcess('zombie', [dir]);
    expect(await zombie.next()).toBe('joined');
    const tasks: Task[] = [];
    await topics.join({ group: 'group', topics: ['in'], assigned: (task) => tasks.push(task) });
    zombie.send('wait');
    expect(await zombie.next()).toBe('fetched 0, lost true');
    zombie.send('commit');
    expect(await zombie.next()).toBe('task-lost');
    expect(await values(topics, 'out')).toEqual([]);
    await tasks[0]?.commit({ outputs: [], offsets: new Map([['in', 5]]) });
    expect(await topics.committed('group')).toEqual([{ topic: 'in', partition: 0, offset: 5 }]);
    zombie.child.stdin?.end();
    expect(await zombie.ended).toBe(0);
    await topics.close();
  });

  it('refuse such commits also before the loss was noticed', async () => {
    const topics = await openLog({ dir });
    await topics.ensure(['in', 'out'].map((name) => ({ name, partitions: 1, cleanup: 'delete' })));
    const zombie = logProcess('zombie', [dir]);
    expect(await zombie.next()).toBe('joined');
    await topics.join({ group: 'group', topics: ['in'], assigned: () => {} });
    zombie.send('commit');
    expect(await zombie.next()).toBe('task-lost');
    expect(await values(topics, 'out')).toEqual([]);
    zombie.child.stdin?.end();
    expect(await zombie.ended).toBe(0);
    await topics.close();
  });
});

describe('a store that cannot grow', { timeout: 60_000 }, () => {
  it('refuses with a code, keeps what it confirmed, and goes on when there is room again', async () => {
    const filler = logProcess('fill', [dir], 6000);
    const code = await filler.next();
    expect(code).toMatch(/^store-(full|unwritable)$/);
    const [count = 0, high] = (await filler.next()).split(' ').map(Number);
    expect(await filler.ended).toBe(0);
    expect(count).toBeGreaterThan(50);
    expect(high).toBe(count);
    const topics = await openLog({ dir });
    expect(await topics.read('in', 0, 0, wide)).toHaveLength(count);
    expect(await topics.append([{ topic: 'in', partition: 0, key: null, value: new Uint8Array(50_000) }])).toEqual([
      count,
    ]);
    await topics.close();
  });
});
