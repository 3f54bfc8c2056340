import { randomUUID } from 'node:crypto';

import { expect, vi } from 'vitest';

import { type KafkaOptions, openKafka } from '../../streams/kafka/open-kafka.js';
import type { GroupOptions, Membership, Message, StoredMessage, Task, Topics } from '../../streams/topics.js';
import { consoleConsumer } from './console-consumer.js';
import { type Copying, copyTask } from './copy-task.mjs';

export const wide = { maxRecords: 10_000, maxBytes: 64 * 2 ** 20 };
export const never = new AbortController().signal;

const bytes = new TextEncoder();
const text = new TextDecoder();

/** A topic to copy, the topic to copy it to, and what must be there in the end. */
export interface Scene {
  readonly settings: Pick<KafkaOptions, 'brokers' | 'prefix' | 'clientId' | 'sessionTimeoutMs'>;
  readonly topics: Topics;
  readonly group: string;
  /** Writes so many further numbered messages to each partition of the input. */
  feed(count: number): Promise<void>;
  /** Resolves when the group has committed the input's end in all partitions. */
  copied(timeoutMs?: number): Promise<void>;
  /** Reads the output with Kafka's own consumer: each message once, in order, and the group's offsets at the end. */
  isExact(): Promise<void>;
  close(): Promise<void>;
}

interface SceneBroker {
  readonly brokers: string[];
  readonly adminBrokers: string[];
  readonly jars: string;
}

/** Creates the topics of a copy, under a prefix of its own. `topics` are opened past the proxy, if there is one. */
export async function scene(
  broker: SceneBroker,
  { partitions = 1, sessionTimeoutMs = 6000 }: { partitions?: number; sessionTimeoutMs?: number } = {},
): Promise<Scene> {
  const prefix = `scene-${randomUUID()}`;
  const settings = { brokers: broker.brokers, prefix, clientId: 'scene', sessionTimeoutMs };
  const topics = await openKafka({ ...settings, brokers: broker.adminBrokers });
  await topics.ensure(['input', 'output'].map((name) => ({ name, partitions, cleanup: 'delete' as const })));
  let fed = 0;
  return {
    settings,
    topics,
    group: 'copy',
    async feed(count) {
      const messages = Array.from({ length: count * partitions }, (_, index) =>
        message('input', String(fed + Math.floor(index / partitions)), index % partitions),
      );
      fed += count;
      await topics.append(messages);
    },
    async copied(timeoutMs = 30_000) {
      const ends = await topics.offsets('input');
      await until(async () => {
        const offsets = await topics.committed('copy');
        const at = (partition: number) => offsets.find((each) => each.partition === partition)?.offset ?? 0;
        // The end of a partition counts the markers of transactions, which no consumer commits.
        return (await Promise.all(ends.map((_, partition) => lastOffset(topics, partition, at(partition))))).every(
          (last) => last,
        );
      }, timeoutMs);
    },
    async isExact() {
      const expected = Array.from({ length: fed }, (_, index) => String(index));
      const lines = await consoleConsumer(broker.jars, broker.adminBrokers, {
        topic: `${prefix}.output`,
        print: ['partition', 'value'],
        idleMs: 2500,
      });
      for (let partition = 0; partition < partitions; partition++) {
        const mark = `Partition:${partition}\t`;
        const values = lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length));
        expect(values).toEqual(expected);
      }
    },
    close: () => topics.close(),
  };
}

/** Whether nothing is to be read of the input from an offset on. */
async function lastOffset(topics: Topics, partition: number, from: number): Promise<boolean> {
  return (await topics.read('input', partition, from, { maxRecords: 1, maxBytes: 1 })).length === 0;
}

export interface Member {
  readonly membership: Membership;
  /** Those that are not lost, by partition. */
  readonly tasks: ReadonlyMap<number, Task>;
  /** Of every task that the member got, in order. */
  readonly assigned: readonly Task[];
  readonly errors: unknown[];
}

/** Joins, and copies with every task that comes. */
export async function joinCopying(
  topics: Topics,
  group: string,
  copying: Copying = { input: 'input', output: 'output' },
): Promise<Member> {
  return joinWith(topics, { group, topics: [copying.input] }, (task, errors) => {
    copyTask(task, copying).catch((error: unknown) => errors.push(error));
  });
}

/** Joins and remembers the tasks that come. */
export async function joinWith(
  topics: Topics,
  options: Omit<GroupOptions, 'assigned'>,
  begin: (task: Task, errors: unknown[]) => void = () => undefined,
): Promise<Member> {
  const tasks = new Map<number, Task>();
  const assigned: Task[] = [];
  const errors: unknown[] = [];
  const membership = await topics.join({
    failed: (error) => errors.push(error),
    ...options,
    assigned: (task) => {
      assigned.push(task);
      tasks.set(task.partition, task);
      task.lost.addEventListener('abort', () => {
        if (tasks.get(task.partition) === task) tasks.delete(task.partition);
      });
      begin(task, errors);
    },
  });
  return { membership, tasks, assigned, errors };
}

/** Asks again and again, for so long at most. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  await vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: timeoutMs, interval: 20 });
}

export function message(topic: string, value: string, partition = 0, key: string | null = null): Message {
  return { topic, partition, key, value: bytes.encode(value) };
}

export function textOf({ value }: Pick<StoredMessage, 'value'>): string | null {
  return value === null ? null : text.decode(value);
}

/** Reads a partition to its end. */
export async function readAll(topics: Topics, topic: string, partition = 0): Promise<readonly StoredMessage[]> {
  const all: StoredMessage[] = [];
  for (let from = 0; ; ) {
    const messages = await topics.read(topic, partition, from, wide);
    if (messages.length === 0) return all;
    all.push(...messages);
    from = (all.at(-1)?.offset ?? 0) + 1;
  }
}
