import fc from 'fast-check';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openKafka } from '../../streams/kafka/open-kafka.js';
import type { Task } from '../../streams/topics.js';
import { startBroker, type TestBroker } from './broker.js';
import { joinCopying, joinWith, type Member, message, never, readAll, scene, textOf, until, wide } from './scene.js';
import { startWorker } from './worker.js';

const rounds = Number(process.env['HEADWATER_KAFKA_ROUNDS'] ?? 2);

describe('members of a group', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker?.stop());

  it('that slept while their partition was taken over write nothing and turn no offset back', async () => {
    const copy = await scene(broker);
    const sleeper = startWorker(copy);
    await copy.feed(500);
    await sleeper.saw(({ committed }) => committed !== undefined);
    sleeper.signal('SIGSTOP');
    const successor = startWorker(copy);
    await successor.saw(({ assigned }) => assigned === 0);
    await copy.copied();
    await copy.feed(500);
    sleeper.signal('SIGCONT');
    await sleeper.saw(({ lost }) => lost === 0);
    await copy.copied();
    successor.command('close');
    sleeper.command('close');
    expect(await Promise.all([successor.ended(), sleeper.ended()])).toEqual([0, 0]);
    const { offset: last = 0 } = successor.told.findLast(({ offset }) => offset !== undefined) ?? {};
    const [committed] = await copy.topics.committed(copy.group);
    expect(committed?.offset).toBeGreaterThanOrEqual(last);
    await copy.isExact();
    await copy.close();
  });

  it('are shut out at the assignment, before their successor has written anything', async () => {
    const copy = await scene(broker);
    const [first, second] = [await openKafka(copy.settings), await openKafka(copy.settings)];
    await copy.feed(2);
    const { tasks, membership } = await joinWith(first, { group: 'copy', topics: ['input'] });
    await until(() => tasks.size === 1);
    const zombie = tasks.get(0);
    await membership.leave();
    const successor = await joinWith(second, { group: 'copy', topics: ['input'] });
    await until(() => successor.tasks.size === 1);
    expect(zombie?.lost.aborted).toBe(true);
    const commit = zombie?.commit({ outputs: [message('output', 'stale')], offsets: new Map([['input', 1]]) });
    await expect(commit).rejects.toMatchObject({ code: 'task-lost' });
    await expect(zombie?.append([message('output', 'stale')])).rejects.toMatchObject({ code: 'task-lost' });
    expect(await readAll(copy.topics, 'output')).toEqual([]);
    expect(await copy.topics.committed('copy')).toEqual([]);
    for (const topics of [first, second, copy]) await topics.close();
  });

  it('hand over in under two seconds when they leave, and soon after the session when they are killed', async () => {
    const copy = await scene(broker);
    const left: number[] = [];
    const killed: number[] = [];
    let holder = startWorker(copy);
    await holder.saw(({ assigned }) => assigned === 0);
    for (let round = 0; round < 2 * rounds; round++) {
      const next = startWorker(copy);
      await next.saw(({ joined }) => joined === true);
      await copy.feed(100);
      await copy.copied();
      const begun = Date.now();
      if (round % 2 === 0) holder.command('leave');
      else holder.signal('SIGKILL');
      const { at } = await next.saw(({ assigned }) => assigned === 0);
      (round % 2 === 0 ? left : killed).push(at - begun);
      if (round % 2 === 0) {
        holder.command('close');
        expect(await holder.ended()).toBe(0);
      }
      await copy.feed(10);
      await copy.copied();
      holder = next;
    }
    process.stdout.write(`handed over after ms: left ${left.join(' ')}, killed ${killed.join(' ')}\n`);
    expect(Math.max(...left)).toBeLessThan(2000);
    expect(Math.max(...killed)).toBeLessThan(9000);
    holder.command('close');
    expect(await holder.ended()).toBe(0);
    await copy.isExact();
    await copy.close();
  });

  it('join and leave at random, and every message is copied once; what is kept goes on as it was', async () => {
    const partitions = 8;
    const copy = await scene(broker, { partitions });
    const topics = await Promise.all([1, 2, 3].map(() => openKafka(copy.settings)));
    const members = new Map<number, Member>();
    let kept = 0;
    const toggle = async (who: number) => {
      const held = new Map(
        [...members].flatMap(([, { tasks }]) => [...tasks.values()].map((task) => [task, task.partition])),
      );
      const member = members.get(who);
      if (member === undefined) {
        const opened = topics[who];
        if (opened === undefined) throw new RangeError(`no member ${who}`);
        members.set(who, await joinCopying(opened, copy.group));
      } else if (members.size > 1) {
        members.delete(who);
        await member.membership.leave();
        expect(member.errors).toEqual([]);
      }
      await until(() => holders(members).length === partitions && shares(members) <= 1);
      for (const task of held.keys()) if (isHeld(members, task)) kept++;
    };
    const steps = fc.sample(fc.integer({ min: 0, max: 2 }), { numRuns: 5 + rounds, seed: 7 });
    let moves = 0;
    await toggle(0);
    for (const step of steps) {
      await copy.feed(30);
      await toggle(step);
      moves++;
    }
    await copy.copied();
    // Even shares of 8 among 1 to 3 members leave at least 2 of 8 where they were.
    expect(kept).toBeGreaterThan(2 * moves);
    for (const { membership, errors } of members.values()) {
      expect(errors).toEqual([]);
      await membership.leave();
    }
    await copy.isExact();
    for (const opened of [...topics, copy]) await opened.close();
  });

  it('get nothing where there are more of them than partitions, and take over what comes free', async () => {
    const copy = await scene(broker, { partitions: 1 });
    const [one, two] = [await openKafka(copy.settings), await openKafka(copy.settings)];
    const first = await joinCopying(one, copy.group);
    await until(() => first.tasks.size === 1);
    const second = await joinCopying(two, copy.group);
    await copy.feed(20);
    await copy.copied();
    expect(second.tasks.size).toBe(0);
    expect(first.assigned).toHaveLength(1);
    await first.membership.leave();
    await until(() => second.tasks.size === 1);
    await copy.feed(20);
    await copy.copied();
    await second.membership.leave();
    await copy.isExact();
    for (const opened of [one, two, copy]) await opened.close();
  });

  it('that start at the end start there for good, also where the first of them dies before it commits', async () => {
    const copy = await scene(broker);
    await copy.feed(3);
    const [one, two] = [await openKafka(copy.settings), await openKafka(copy.settings)];
    const options = { group: 'late', topics: ['input'], from: 'latest' } as const;
    const first = await joinWith(one, options);
    await until(() => first.tasks.size === 1);
    await copy.feed(2);
    await first.membership.leave();
    const second = await joinWith(two, options);
    await until(() => second.tasks.size === 1);
    const task = second.tasks.get(0);
    const messages = await task?.fetch('input', task.committed.get('input') ?? 0, wide, never);
    expect(messages?.map(textOf)).toEqual(['3', '4']);
    for (const opened of [one, two, copy]) await opened.close();
  });

  it('are refused in one sentence where another program consumes in their group', async () => {
    const copy = await scene(broker);
    const groupId = `${copy.settings.prefix}.${copy.group}`;
    const foreign = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).consumer({ groupId });
    await foreign.connect();
    await foreign.subscribe({ topic: `${copy.settings.prefix}.input` });
    const joined = new Promise((done) => foreign.on(foreign.events.GROUP_JOIN, done));
    await foreign.run({ eachMessage: async () => undefined });
    await joined;
    const topics = await openKafka(copy.settings);
    await expect(
      topics.join({ group: copy.group, topics: ['input'], assigned: () => undefined }),
    ).rejects.toMatchObject({
      code: 'broker-failed',
      message: expect.stringMatching(/^another program consumes in a group of ours/),
    });
    await topics.close();
    await foreign.disconnect();
    await copy.close();
  });
});

function holders(members: ReadonlyMap<number, Member>): readonly Task[] {
  return [...members.values()].flatMap(({ tasks }) => [...tasks.values()]);
}

function isHeld(members: ReadonlyMap<number, Member>, task: Task): boolean {
  return holders(members).includes(task);
}

/** By how much the shares of members differ. */
function shares(members: ReadonlyMap<number, Member>): number {
  const sizes = [...members.values()].map(({ tasks }) => tasks.size);
  return Math.max(...sizes) - Math.min(...sizes);
}
