import { randomBytes } from 'node:crypto';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type {
  GroupOptions,
  Membership,
  Message,
  StoredMessage,
  Task,
  TopicSpec,
  Topics,
} from '../../streams/topics.js';

export interface OpenedTopics {
  readonly topics: Topics;
  /** Closes and opens again, over the same data. */
  reopen(): Promise<Topics>;
  close(): Promise<void>;
}

export interface ContractOptions {
  /** Random interleavings that are compared with a model. @default 25 */
  readonly runs?: number;
  /** Milliseconds until members and messages must have arrived. @default 20000 */
  readonly patienceMs?: number;
}

const wide = { maxRecords: 10_000, maxBytes: 64 * 2 ** 20 };
const never = new AbortController().signal;
const bytes = new TextEncoder();
const text = new TextDecoder();

/** What every implementation of `Topics` must do. Offsets may have gaps and members may be assigned late. */
export function topicsContract(
  name: string,
  open: () => Promise<OpenedTopics>,
  { runs = 25, patienceMs = 20_000 }: ContractOptions = {},
): void {
  describe(`${name} as Topics`, { timeout: patienceMs * 3 }, () => {
    let opened: OpenedTopics;
    let topics: Topics;
    const memberships: Membership[] = [];

    beforeAll(async () => {
      opened = await open();
      topics = opened.topics;
    }, patienceMs * 3);

    afterAll(async () => {
      await opened.close();
    }, patienceMs * 3);

    async function reopen(): Promise<void> {
      await leaveAll();
      topics = await opened.reopen();
    }

    async function topic(options: Partial<TopicSpec> = {}): Promise<string> {
      const spec: TopicSpec = { name: unique('topic'), partitions: 1, cleanup: 'delete', ...options };
      await topics.ensure([spec]);
      return spec.name;
    }

    /** Joins and collects the tasks that are not lost, by partition. */
    async function join(group: string, inputs: readonly string[]): Promise<Member> {
      const tasks = new Map<number, Task>();
      const assigned: GroupOptions['assigned'] = (task) => {
        tasks.set(task.partition, task);
        task.lost.addEventListener('abort', () => {
          if (tasks.get(task.partition) === task) tasks.delete(task.partition);
        });
      };
      const membership = await topics.join({ group, topics: inputs, assigned });
      memberships.push(membership);
      const has = (count: number) =>
        vi.waitFor(() => expect(tasks.size).toBe(count), { timeout: patienceMs, interval: 10 });
      return { tasks, membership, has };
    }

    async function soleTask(group: string, inputs: readonly string[]): Promise<{ task: Task; member: Member }> {
      const member = await join(group, inputs);
      await member.has(1);
      const task = member.tasks.get(0);
      if (task === undefined) throw new Error('no task of partition 0');
      return { task, member };
    }

    async function leaveAll(): Promise<void> {
      for (const membership of memberships.splice(0)) await membership.leave();
    }

    /** When no commit is on its way any more. */
    async function values(topicName: string, partition = 0): Promise<readonly (string | null)[]> {
      const settled = async () => expect((await topics.offsets(topicName))[partition]?.pending).toBeUndefined();
      await vi.waitFor(settled, { timeout: patienceMs, interval: 5 });
      return (await readAll(topics, topicName, partition)).map(textOf);
    }

    describe('topics', () => {
      it('are created once, listed, and kept', async () => {
        const spec: TopicSpec = { name: unique('topic'), partitions: 3, cleanup: 'compact' };
        await topics.ensure([spec]);
        await topics.ensure([spec]);
        await reopen();
        expect(await topics.list()).toContainEqual(expect.objectContaining(spec));
      });

      it('that exist with other partitions or another cleanup are refused', async () => {
        const name = await topic({ partitions: 2 });
        await expect(topics.ensure([{ name, partitions: 3, cleanup: 'delete' }])).rejects.toMatchObject({
          code: 'topic-misfit',
        });
        await expect(topics.ensure([{ name, partitions: 2, cleanup: 'compact' }])).rejects.toMatchObject({
          code: 'topic-misfit',
        });
      });

      it('that do not exist are refused by name', async () => {
        const missing = unique('missing');
        const refused = { code: 'topic-unknown', message: expect.stringContaining(missing) };
        await expect(topics.append([message(missing, 'x')])).rejects.toMatchObject(refused);
        await expect(topics.read(missing, 0, 0, wide)).rejects.toMatchObject(refused);
        await expect(topics.offsets(missing)).rejects.toMatchObject(refused);
        await expect(
          topics.join({ group: unique('group'), topics: [missing], assigned: () => {} }),
        ).rejects.toMatchObject(refused);
      });

      it('refuse partitions they do not have', async () => {
        const name = await topic({ partitions: 2 });
        await expect(topics.append([message(name, 'x', 2)])).rejects.toMatchObject({ code: 'topic-unknown' });
      });

      it('are empty at first', async () => {
        const name = await topic({ partitions: 2 });
        expect(await topics.read(name, 1, 0, wide)).toEqual([]);
        const offsets = await topics.offsets(name);
        expect(offsets).toHaveLength(2);
        for (const { low, high } of offsets) expect(high).toBe(low);
      });
    });

    describe('append and read', () => {
      it('keep the order within a partition, with ascending offsets', async () => {
        const name = await topic({ partitions: 2 });
        const sent = ['a', 'b', 'c', 'd'].map((value, index) => message(name, value, index % 2));
        const offsets = await topics.append(sent);
        expect(await values(name, 0)).toEqual(['a', 'c']);
        expect(await values(name, 1)).toEqual(['b', 'd']);
        const stored = await readAll(topics, name, 0);
        expect(stored.map(({ offset }) => offset)).toEqual([offsets[0], offsets[2]]);
        expect(Number(offsets[2])).toBeGreaterThan(Number(offsets[0]));
      });

      it('keep keys, headers, values and timestamps as they are', async () => {
        const name = await topic();
        const sent: Message[] = [
          { topic: name, partition: 0, key: null, value: new Uint8Array(), headers: {}, timestamp: 1_700_000_000_000 },
          { topic: name, partition: 0, key: '', value: randomBytes(300), headers: { '': '' }, timestamp: 1 },
          {
            topic: name,
            partition: 0,
            key: 'clé 🗝',
            value: null,
            headers: { schema: 'a/1', länge: '∞' },
            timestamp: 5,
          },
        ];
        await topics.append(sent);
        const stored = await readAll(topics, name, 0);
        expect(stored.map(comparable)).toEqual(sent.map(comparable));
      });

      it('give a message without timestamp the time of its writing', async () => {
        const name = await topic();
        const before = Date.now();
        await topics.append([message(name, 'x')]);
        const [stored] = await readAll(topics, name, 0);
        expect(stored?.timestamp).toBeGreaterThanOrEqual(before - 1000);
        expect(stored?.timestamp).toBeLessThanOrEqual(Date.now() + 1000);
        expect(stored?.headers).toEqual({});
      });

      it('take any bytes', async () => {
        const name = await topic();
        await fc.assert(
          fc.asyncProperty(
            fc.uint8Array({ maxLength: 2000 }),
            fc.option(fc.string({ maxLength: 50 }), { nil: null }),
            fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ maxLength: 20 }), { noNullPrototype: true }),
            async (value, key, headers) => {
              const sent = { topic: name, partition: 0, key, value, headers, timestamp: 7 };
              const [offset] = await topics.append([sent]);
              const [stored] = await topics.read(name, 0, Number(offset), wide);
              expect(stored && comparable(stored)).toEqual(comparable(sent));
            },
          ),
          { numRuns: runs },
        );
      });

      it('carry a value of almost a megabyte', async () => {
        const name = await topic();
        const value = randomBytes(900_000);
        await topics.append([{ ...message(name, ''), value }, message(name, 'after')]);
        const [large, after] = await readAll(topics, name, 0);
        expect(Buffer.compare(Buffer.from(large?.value ?? []), value)).toBe(0);
        expect(after && textOf(after)).toBe('after');
      });

      it('respect bounds, but return at least one message', async () => {
        const name = await topic();
        const offsets = await topics.append(numbers(20).map((n) => message(name, `${n}`.padStart(100, '.'))));
        const three = await topics.read(name, 0, 0, { maxRecords: 3, maxBytes: wide.maxBytes });
        expect(three).toHaveLength(3);
        expect(await topics.read(name, 0, 0, { maxRecords: 20, maxBytes: 1 })).toHaveLength(1);
        const few = await topics.read(name, 0, 0, { maxRecords: 20, maxBytes: 1000 });
        expect(few.length).toBeGreaterThan(1);
        expect(few.length).toBeLessThanOrEqual(10);
        const last = Number(offsets[19]);
        expect((await topics.read(name, 0, last, wide)).map(({ offset }) => offset)).toEqual([last]);
        expect(await topics.read(name, 0, last + 1, wide)).toEqual([]);
      });

      it('read every message once, whatever the bounds', async () => {
        const name = await topic();
        const sent = numbers(700).map((n) => `${n}`);
        for (const part of [sent.slice(0, 1), sent.slice(1, 600), sent.slice(600)]) {
          await topics.append(part.map((value) => message(name, value)));
        }
        for (const maxRecords of [7, 256]) {
          const stored = await readAll(topics, name, 0, { maxRecords, maxBytes: wide.maxBytes });
          expect(stored.map(textOf)).toEqual(sent);
        }
      });

      it('say where a partition begins and ends', async () => {
        const name = await topic({ partitions: 2 });
        const offsets = await topics.append([message(name, 'a'), message(name, 'b')]);
        const [first, second] = await topics.offsets(name);
        expect(first?.low).toBeLessThanOrEqual(Number(offsets[0]));
        expect(first?.high).toBeGreaterThan(Number(offsets[1]));
        expect(second?.high).toBe(second?.low);
      });

      it('lose nothing when many append at once', async () => {
        const name = await topic({ partitions: 2 });
        const all = await Promise.all(
          numbers(200).map((n) => topics.append([message(name, `${n}a`, n % 2), message(name, `${n}b`, n % 2)])),
        );
        for (const partition of [0, 1]) {
          const stored = await readAll(topics, name, partition);
          const byOffset = new Map(stored.map((m) => [m.offset, textOf(m)]));
          for (const n of numbers(200).filter((each) => each % 2 === partition)) {
            expect(byOffset.get(Number(all[n]?.[0]))).toBe(`${n}a`);
            expect(byOffset.get(Number(all[n]?.[1]))).toBe(`${n}b`);
          }
          expect(stored).toHaveLength(200);
        }
      });

      it('outlive a reopening', async () => {
        const name = await topic();
        const [first] = await topics.append([message(name, 'a')]);
        await reopen();
        const [second] = await topics.append([message(name, 'b')]);
        expect(await values(name)).toEqual(['a', 'b']);
        expect(Number(second)).toBeGreaterThan(Number(first));
      });
    });

    describe('a compact topic', () => {
      const keyed = (topicName: string, key: string, value: string | null): Message => ({
        topic: topicName,
        partition: 0,
        key,
        value: value === null ? null : bytes.encode(value),
      });

      it('holds the newest message of each key', async () => {
        const name = await topic({ cleanup: 'compact' });
        await topics.append([keyed(name, 'a', '1'), keyed(name, 'b', '2'), keyed(name, 'a', '3')]);
        await topics.append([keyed(name, 'c', '4'), keyed(name, 'b', null)]);
        await topics.append([keyed(name, 'c', '5')]);
        expect(newestByKey(await readAll(topics, name, 0))).toEqual(new Map(Object.entries({ a: '3', c: '5' })));
        await reopen();
        expect(newestByKey(await readAll(topics, name, 0))).toEqual(new Map(Object.entries({ a: '3', c: '5' })));
      });

      it('keeps offsets ascending over removed messages', async () => {
        const name = await topic({ cleanup: 'compact' });
        const offsets = (
          await Promise.all([
            topics.append([keyed(name, 'a', '1'), keyed(name, 'a', null)]),
            topics.append([keyed(name, 'a', '2')]),
          ])
        ).flat();
        expect(new Set(offsets).size).toBe(3);
        const [, high] = [0, (await topics.offsets(name))[0]?.high];
        expect(high).toBeGreaterThan(Math.max(...offsets));
        const [again] = await topics.append([keyed(name, 'a', '3')]);
        expect(Number(again)).toBeGreaterThan(Math.max(...offsets));
      });

      it('refuses a message without key', async () => {
        const name = await topic({ cleanup: 'compact' });
        await expect(topics.append([message(name, 'x')])).rejects.toMatchObject({ code: 'topic-misfit' });
      });

      it('agrees with a map after any changes', async () => {
        const change = fc.record({
          key: fc.constantFrom('a', 'b', 'c'),
          value: fc.option(fc.nat(99).map(String), { nil: null }),
        });
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(change, { minLength: 1, maxLength: 5 }), { maxLength: 6 }),
            async (batches) => {
              const name = await topic({ cleanup: 'compact' });
              const expected = new Map<string | null, string | null>();
              for (const batch of batches) {
                await topics.append(batch.map(({ key, value }) => keyed(name, key, value)));
                for (const { key, value } of batch) {
                  if (value === null) expected.delete(key);
                  else expected.set(key, value);
                }
              }
              expect(newestByKey(await readAll(topics, name, 0))).toEqual(expected);
            },
          ),
          { numRuns: runs },
        );
      });
    });

    describe('fetch', () => {
      it('returns what is there, from the asked offset on', async () => {
        const name = await topic();
        const offsets = await topics.append([message(name, 'a'), message(name, 'b')]);
        const { task } = await soleTask(unique('group'), [name]);
        const all = await task.fetch(name, task.committed.get(name) ?? -1, wide, never);
        expect(all.map(textOf)).toEqual(['a', 'b']);
        const one = await task.fetch(name, Number(offsets[1]), { maxRecords: 1, maxBytes: 1 }, never);
        expect(one.map(textOf)).toEqual(['b']);
        await leaveAll();
      });

      it('waits until there is a message, and wakes', async () => {
        const name = await topic();
        const { task } = await soleTask(unique('group'), [name]);
        let done = false;
        const fetched = task.fetch(name, task.committed.get(name) ?? 0, wide, never).then((messages) => {
          done = true;
          return messages;
        });
        await topics.list();
        expect(done).toBe(false);
        await topics.append([message(name, 'late')]);
        expect((await fetched).map(textOf)).toEqual(['late']);
        await leaveAll();
      });

      it('returns empty when it is aborted, before or while it waits', async () => {
        const name = await topic();
        const { task } = await soleTask(unique('group'), [name]);
        const abort = new AbortController();
        const waiting = task.fetch(name, 0, wide, abort.signal);
        abort.abort();
        expect(await waiting).toEqual([]);
        expect(await task.fetch(name, 0, wide, abort.signal)).toEqual([]);
        await leaveAll();
      });

      it('returns empty when the task is left', async () => {
        const name = await topic();
        const { task, member } = await soleTask(unique('group'), [name]);
        const waiting = task.fetch(name, 0, wide, never);
        await member.membership.leave();
        expect(await waiting).toEqual([]);
        expect(task.lost.aborted).toBe(true);
      });
    });

    describe('commit', () => {
      it('writes outputs to many partitions and moves the offsets', async () => {
        const [input, left, right] = [await topic(), await topic({ partitions: 2 }), await topic()];
        const group = unique('group');
        await topics.append([message(input, 'a'), message(input, 'b')]);
        const { task } = await soleTask(group, [input]);
        const consumed = await task.fetch(input, task.committed.get(input) ?? 0, wide, never);
        const next = Number(consumed.at(-1)?.offset) + 1;
        await task.commit({
          outputs: [message(left, '1', 0), message(right, '2'), message(left, '3', 1), message(right, '4')],
          offsets: new Map([[input, next]]),
        });
        expect(await values(left, 0)).toEqual(['1']);
        expect(await values(left, 1)).toEqual(['3']);
        expect(await values(right)).toEqual(['2', '4']);
        const moved = async () =>
          expect(await topics.committed(group)).toContainEqual({ topic: input, partition: 0, offset: next });
        await vi.waitFor(moved, { timeout: patienceMs, interval: 5 });
        await leaveAll();
      });

      it('keeps its offsets over a reopening, and the next task starts there', async () => {
        const input = await topic();
        const group = unique('group');
        const offsets = await topics.append([message(input, 'a'), message(input, 'b')]);
        const { task } = await soleTask(group, [input]);
        await task.commit({ outputs: [], offsets: new Map([[input, Number(offsets[0]) + 1]]) });
        await reopen();
        expect(await topics.committed(group)).toContainEqual({
          topic: input,
          partition: 0,
          offset: Number(offsets[0]) + 1,
        });
        const { task: again } = await soleTask(group, [input]);
        expect(again.committed.get(input)).toBe(Number(offsets[0]) + 1);
        const rest = await again.fetch(input, again.committed.get(input) ?? 0, wide, never);
        expect(rest.map(textOf)).toEqual(['b']);
        await leaveAll();
      });

      it('does nothing at all when one of its outputs is refused', async () => {
        const [input, good] = [await topic(), await topic()];
        const group = unique('group');
        const [offset] = await topics.append([message(input, 'a')]);
        const { task } = await soleTask(group, [input]);
        const committed = task.commit({
          outputs: [message(good, 'x'), message(unique('missing'), 'y')],
          offsets: new Map([[input, Number(offset) + 1]]),
        });
        await expect(committed).rejects.toMatchObject({ code: 'topic-unknown' });
        expect(await values(good)).toEqual([]);
        const moved = (await topics.committed(group)).find((each) => each.topic === input);
        expect(moved?.offset ?? 0).toBeLessThanOrEqual(Number(offset));
        await leaveAll();
      });

      it('of nothing changes nothing', async () => {
        const input = await topic();
        const group = unique('group');
        const [offset] = await topics.append([message(input, 'a')]);
        const { task, member } = await soleTask(group, [input]);
        await task.commit({ outputs: [], offsets: new Map([[input, Number(offset) + 1]]) });
        await task.commit({ outputs: [], offsets: new Map() });
        await member.membership.leave();
        expect((await soleTask(group, [input])).task.committed.get(input)).toBe(Number(offset) + 1);
        await leaveAll();
      });

      it('may be large', async () => {
        const [input, output] = [await topic(), await topic()];
        const { task } = await soleTask(unique('group'), [input]);
        const sent = numbers(3000).map((n) => `${n}`.padEnd(500, 'x'));
        await task.commit({ outputs: sent.map((value) => message(output, value)), offsets: new Map() });
        expect(await values(output)).toEqual(sent);
        await leaveAll();
      });

      it('stands beside appends of the task, which do not move offsets', async () => {
        const [input, side] = [await topic(), await topic()];
        const group = unique('group');
        const { task } = await soleTask(group, [input]);
        const offsets = await task.append([message(side, 'a'), message(side, 'b')]);
        expect((await readAll(topics, side, 0)).map(({ offset }) => offset)).toEqual(offsets);
        await leaveAll();
      });
    });

    describe('a group', () => {
      it('gives a lone member every partition, of all topics together', async () => {
        const [left, right] = [await topic({ partitions: 3 }), await topic({ partitions: 3 })];
        const member = await join(unique('group'), [left, right]);
        await member.has(3);
        expect([...member.tasks.keys()].sort()).toEqual([0, 1, 2]);
        for (const task of member.tasks.values()) {
          expect([...task.committed.keys()].sort()).toEqual([left, right].sort());
        }
        await leaveAll();
      });

      it('refuses topics with different numbers of partitions', async () => {
        const [left, right] = [await topic({ partitions: 1 }), await topic({ partitions: 2 })];
        await expect(
          topics.join({ group: unique('group'), topics: [left, right], assigned: () => {} }),
        ).rejects.toMatchObject({ code: 'topic-misfit' });
      });

      it('shares partitions between members, and hands them over when one leaves', async () => {
        const input = await topic({ partitions: 4 });
        const group = unique('group');
        const first = await join(group, [input]);
        await first.has(4);
        const second = await join(group, [input]);
        await Promise.all([first.has(2), second.has(2)]);
        expect([...first.tasks.keys(), ...second.tasks.keys()].sort()).toEqual([0, 1, 2, 3]);
        await first.membership.leave();
        await second.has(4);
        expect(first.tasks.size).toBe(0);
        await leaveAll();
      });

      it('shows a successor all that was committed, and refuses what comes later', async () => {
        const [input, output] = [await topic(), await topic()];
        const group = unique('group');
        const [offset] = await topics.append([message(input, 'a')]);
        const { task, member } = await soleTask(group, [input]);
        await task.commit({ outputs: [message(output, 'kept')], offsets: new Map([[input, Number(offset) + 1]]) });
        await member.membership.leave();
        const { task: successor } = await soleTask(group, [input]);
        expect(successor.committed.get(input)).toBe(Number(offset) + 1);
        const late = { outputs: [message(output, 'zombie')], offsets: new Map([[input, 0]]) };
        await expect(task.commit(late)).rejects.toMatchObject({ code: 'task-lost' });
        await expect(task.commit({ outputs: [], offsets: new Map() })).rejects.toMatchObject({ code: 'task-lost' });
        await expect(task.append([message(output, 'zombie')])).rejects.toMatchObject({ code: 'task-lost' });
        expect(await values(output)).toEqual(['kept']);
        await leaveAll();
      });

      it('knows nothing of other groups', async () => {
        const input = await topic();
        const [offset] = await topics.append([message(input, 'a')]);
        const [one, two] = [unique('group'), unique('group')];
        const { task } = await soleTask(one, [input]);
        await task.commit({ outputs: [], offsets: new Map([[input, Number(offset) + 1]]) });
        const { task: other } = await soleTask(two, [input]);
        const seen = await other.fetch(input, other.committed.get(input) ?? -1, wide, never);
        expect(seen.map(textOf)).toEqual(['a']);
        await leaveAll();
      });
    });

    it('agrees with a model under any interleaving of appends, commits and reopenings', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const [input, output] = [await topic({ partitions: 2 }), await topic({ partitions: 2 })];
          const group = unique('group');
          const model = [newLane(), newLane()] as const;
          let member = await join(group, [input]);
          await member.has(2);
          let serial = 0;
          for (const { kind, partition, count } of steps) {
            const lane = model[partition];
            const task = member.tasks.get(partition);
            if (task === undefined) throw new Error(`no task of partition ${partition}`);
            if (kind === 'append') {
              const sent = numbers(count).map(() => `${serial++}`);
              await topics.append(sent.map((value) => message(input, value, partition)));
              lane.input.push(...sent);
            } else if (kind === 'commit' && lane.consumed < lane.input.length) {
              const bounds = { maxRecords: count, maxBytes: wide.maxBytes };
              const batch = await task.fetch(input, lane.position ?? task.committed.get(input) ?? 0, bounds, never);
              const next = Number(batch.at(-1)?.offset) + 1;
              const outputs = batch.map((m) => message(output, `>${textOf(m)}`, 1 - partition));
              await task.commit({ outputs, offsets: new Map([[input, next]]) });
              expect(batch.map(textOf)).toEqual(lane.input.slice(lane.consumed, lane.consumed + batch.length));
              lane.consumed += batch.length;
              lane.position = next;
            } else if (kind === 'reopen') {
              await reopen();
              member = await join(group, [input]);
              await member.has(2);
            }
          }
          for (const partition of [0, 1] as const) {
            const lane = model[partition];
            expect(await values(input, partition)).toEqual(lane.input);
            const expected = lane.input.slice(0, lane.consumed).map((value) => `>${value}`);
            expect(await values(output, 1 - partition)).toEqual(expected);
          }
          await leaveAll();
        }),
        { numRuns: runs },
      );
    });

    it('refuses calls after it is closed', async () => {
      const other = await open();
      const name = unique('topic');
      await other.topics.ensure([{ name, partitions: 1, cleanup: 'delete' }]);
      await other.close();
      await expect(other.topics.append([message(name, 'x')])).rejects.toMatchObject({ code: 'store-closed' });
      await expect(other.topics.read(name, 0, 0, wide)).rejects.toMatchObject({ code: 'store-closed' });
      await other.topics.close();
    });
  });
}

interface Member {
  readonly tasks: ReadonlyMap<number, Task>;
  readonly membership: Membership;
  /** Waits until the member has so many tasks. */
  readonly has: (count: number) => Promise<unknown>;
}

const step = fc.record({
  kind: fc.constantFrom('append', 'append', 'commit', 'commit', 'reopen'),
  partition: fc.constantFrom(0 as const, 1 as const),
  count: fc.integer({ min: 1, max: 5 }),
});

/** A partition as the model sees it. */
interface Lane {
  readonly input: string[];
  consumed: number;
  position: number | undefined;
}

function newLane(): Lane {
  return { input: [], consumed: 0, position: undefined };
}

function unique(kind: string): string {
  return `${kind}-${randomBytes(6).toString('hex')}`;
}

function message(topic: string, value: string, partition = 0): Message {
  return { topic, partition, key: null, value: bytes.encode(value) };
}

function textOf({ value }: StoredMessage): string | null {
  return value === null ? null : text.decode(value);
}

function comparable({ key, value, headers, timestamp }: Message): unknown {
  return { key, value: value === null ? null : Buffer.from(value).toString('hex'), headers: { ...headers }, timestamp };
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

async function readAll(topics: Topics, topic: string, partition: number, bounds = wide): Promise<StoredMessage[]> {
  const all: StoredMessage[] = [];
  for (let from = 0; ; from = Number(all.at(-1)?.offset) + 1) {
    const part = await topics.read(topic, partition, from, bounds);
    if (part.length === 0) return all;
    all.push(...part);
  }
}

/** What a reader of a compact topic ends up with; older messages and removals may still be there. */
function newestByKey(messages: readonly StoredMessage[]): Map<string | null, string | null> {
  const newest = new Map<string | null, string | null>();
  for (const each of messages) {
    if (each.value === null) newest.delete(each.key);
    else newest.set(each.key, textOf(each));
  }
  return newest;
}
