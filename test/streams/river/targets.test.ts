import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { recordId } from '../../../schemas/ids.js';
import type { Tick } from '../../../schemas/tick.js';
import { openLog } from '../../../streams/log/open-log.js';
import { recordMessage } from '../../../streams/record-message.js';
import { readCompleted, readTargets, shareOut, targetMessage } from '../../../streams/river/targets.js';
import type { Task, Topics } from '../../../streams/topics.js';

async function log(): Promise<Topics> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-targets-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  await topics.ensure([
    { name: 'seeds', partitions: 2, cleanup: 'delete' },
    { name: 'shards', partitions: 1, cleanup: 'delete' },
  ]);
  return topics;
}

function completeTick(lane: number, total: number): Tick {
  return { kind: 'tick', id: recordId('tick', lane, total), lane, reason: 'complete', total, at: 0 };
}

it('shares a total out among lanes, so that all have it', () => {
  expect(shareOut(7, 3)).toEqual([3, 2, 2]);
  expect(shareOut(1, 2)).toEqual([1, 0]);
  expect(shareOut(null, 2)).toEqual([null, null]);
});

it('reads the newest target of each lane', async () => {
  const topics = await log();
  expect(await readTargets(topics, 'seeds', 2)).toEqual([undefined, undefined]);
  await topics.append([
    targetMessage('seeds', 0, 5, 1),
    targetMessage('seeds', 0, 8, 2),
    targetMessage('seeds', 1, null, 2),
  ]);
  expect(await readTargets(topics, 'seeds', 2)).toEqual([8, null]);
});

it('takes samples for complete only when the manifest stage has consumed their tick', async () => {
  const topics = await log();
  const member = await new Promise<Task>((resolve) => {
    topics.join({ group: 'manifest', topics: ['shards'], assigned: resolve });
  });
  await topics.append([recordMessage('shards', 0, completeTick(0, 5)), recordMessage('shards', 0, completeTick(0, 8))]);
  expect(await readCompleted(topics, 2)).toEqual([0, 0]);
  await member.commit({ outputs: [], offsets: new Map([['shards', 1]]) });
  expect(await readCompleted(topics, 2)).toEqual([0, 0]);
  await member.commit({ outputs: [], offsets: new Map([['shards', 2]]) });
  expect(await readCompleted(topics, 2)).toEqual([8, 0]);
});
