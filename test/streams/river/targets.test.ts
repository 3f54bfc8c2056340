import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { apportion } from '../../../operators/kernels/apportion.js';
import { recordId } from '../../../schemas/ids.js';
import type { Tick } from '../../../schemas/tick.js';
import { openLog } from '../../../streams/log/open-log.js';
import { recordMessage } from '../../../streams/record-message.js';
import {
  isSameTarget,
  labelledTargets,
  readCompleted,
  readTargets,
  shareOut,
  type Target,
  targetMessage,
} from '../../../streams/river/targets.js';
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
    targetMessage('seeds', 0, { total: 5 }, 1),
    targetMessage('seeds', 0, { total: 8, labels: { ham: 5, spam: 3 } }, 2),
    targetMessage('seeds', 1, { total: null }, 2),
  ]);
  expect(await readTargets(topics, 'seeds', 2)).toEqual([{ total: 8, labels: { ham: 5, spam: 3 } }, { total: null }]);
});

describe('targets with labels', () => {
  const label = { field: 'kind', values: ['a', 'b', 'c'], shares: [5, 3, 2] };
  const over = (targets: readonly Target[], value: string) =>
    targets.reduce((sum, { labels }) => sum + (labels?.[value] ?? 0), 0);

  function expectExact(targets: readonly Target[], total: number): void {
    const whole = apportion(label.shares, total);
    expect(label.values.map((value) => over(targets, value))).toEqual(whole);
    for (const { total: own, labels = {} } of targets) {
      expect(Object.values(labels).reduce((sum, count) => sum + count, 0)).toBe(own);
    }
  }

  /** How far a lane's counts are from its shares of what all lanes have, at most. */
  function furthest(targets: readonly Target[], total: number): number {
    const whole = apportion(label.shares, total);
    const off = targets.flatMap(({ total: own, labels }) =>
      label.values.map((value, i) => Math.abs((labels?.[value] ?? 0) - ((whole[i] ?? 0) * (own ?? 0)) / total)),
    );
    return Math.max(...off);
  }

  it('are exact over all lanes, and near the shares in each', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 12 }), (total, lanes) => {
        const targets = labelledTargets(shareOut(total, lanes), label);
        expectExact(targets, total);
        expect(furthest(targets, total)).toBeLessThan(2);
      }),
    );
    expect(labelledTargets(shareOut(7, 1), { field: 'kind', values: ['x', 'y', 'z'] })).toEqual([
      { total: 7, labels: { x: 3, y: 2, z: 2 } },
    ]);
  });

  it('stay exact however often they are raised, and no count falls', () => {
    const raises = fc.array(fc.nat(40), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), raises, (lanes, list) => {
        let told: readonly Target[] = [];
        let total = 0;
        for (const raise of list) {
          total += raise;
          const next = labelledTargets(shareOut(total, lanes), label, told);
          expectExact(next, total);
          if (total > 0) expect(furthest(next, total)).toBeLessThan(3);
          for (const [lane, { labels }] of told.entries()) {
            for (const value of label.values) {
              expect(next[lane]?.labels?.[value]).toBeGreaterThanOrEqual(labels?.[value] ?? 0);
            }
          }
          told = next;
        }
      }),
    );
  });

  it('are apportioned anew below what was told, or behind no end', () => {
    const told = labelledTargets(shareOut(60, 2), label);
    expectExact(labelledTargets(shareOut(20, 2), label, told), 20);
    expectExact(labelledTargets([10, 10], label, [{ total: null }, { total: null }]), 20);
    expectExact(labelledTargets([10, 30], label, [{ total: 5 }, undefined]), 40);
  });

  it('have none where there is no end, or no label', () => {
    expect(labelledTargets([null, null], label)).toEqual([{ total: null }, { total: null }]);
    expect(labelledTargets([3, 2], undefined)).toEqual([{ total: 3 }, { total: 2 }]);
  });

  it('are the same where all of them are', () => {
    const [one] = labelledTargets([10], label);
    if (one === undefined) throw new Error('a target was made');
    expect(isSameTarget({ total: 10, labels: { a: 5, b: 3, c: 2 } }, one)).toBe(true);
    expect(isSameTarget({ total: 10, labels: { a: 4, b: 4, c: 2 } }, one)).toBe(false);
    expect(isSameTarget({ total: 10 }, one)).toBe(false);
    expect(isSameTarget(undefined, one)).toBe(false);
  });
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
