import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { openLog } from '../../streams/log/open-log.js';
import type { GroupOffset, StoredMessage, Topics } from '../../streams/topics.js';
import type { TestBroker } from '../kafka/broker.js';
import { BrokerRestarts } from './kafka/broker-restarts.js';
import type { Scene } from './scene.js';

/** The topics that a pipeline has left, as they can be read from outside. */
export interface RunTopics {
  /** All messages of a topic, by partition; none where there is no such topic. */
  messages(topic: string): Promise<readonly (readonly StoredMessage[])[]>;
  committed(group: string): Promise<readonly GroupOffset[]>;
}

/** What the reader on Kafka prints: values as base64. */
interface Printed {
  readonly topics: Readonly<Record<string, readonly (readonly PrintedMessage[])[]>>;
  readonly committed: Readonly<Record<string, readonly GroupOffset[]>>;
}

type PrintedMessage = Omit<StoredMessage, 'topic' | 'partition' | 'value'> & { readonly value: string | null };

const run = promisify(execFile);

/** Reads topics of a scene: on the log from its files, on Kafka by a process that has none of our code. */
export async function withTopics<Result>(scene: Scene, read: (topics: RunTopics) => Promise<Result>): Promise<Result> {
  if (scene.transport.kind === 'kafka') return read(await readKafka(scene, scene.transport.broker));
  const dir = join(scene.data, 'topics');
  // Not to be made by a reader, or the pipeline would take the folder for another one's.
  if (!existsSync(dir)) return read({ messages: async () => [], committed: async () => [] });
  const topics = await openLog({ dir });
  try {
    const existing = new Set((await topics.list()).map(({ name }) => name));
    return await read({
      messages: async (topic) => (existing.has(topic) ? messagesOf(topics, topic) : []),
      committed: (group) => topics.committed(group),
    });
  } finally {
    await topics.close();
  }
}

async function readKafka({ prefix }: Scene, broker: TestBroker): Promise<RunTopics> {
  const program = ['test/crash/kafka/reader.mjs', JSON.stringify({ brokers: broker.adminBrokers, prefix })];
  const stdout = await BrokerRestarts.of(broker).whileUp(async () => {
    return (await run(process.execPath, program, { maxBuffer: 2 ** 30, timeout: 60_000 })).stdout;
  });
  const printed: Printed = JSON.parse(stdout);
  return {
    messages: async (topic) =>
      (printed.topics[topic] ?? []).map((lane, partition) =>
        lane.map((message) => ({ ...message, topic, partition, value: bytesOf(message.value) })),
      ),
    committed: async (group) => printed.committed[group] ?? [],
  };
}

function bytesOf(value: string | null): Uint8Array | null {
  return value === null ? null : Buffer.from(value, 'base64');
}

/** All messages of a topic, by partition. */
export async function messagesOf(topics: Topics, topic: string): Promise<StoredMessage[][]> {
  const partitions: StoredMessage[][] = [];
  for (const [partition, { low, high }] of (await topics.offsets(topic)).entries()) {
    const held: StoredMessage[] = [];
    for (let next = low; next < high; ) {
      const batch = await topics.read(topic, partition, next, { maxRecords: 1000, maxBytes: 2 ** 24 });
      held.push(...batch);
      next = (batch.at(-1)?.offset ?? high) + 1;
    }
    partitions.push(held);
  }
  return partitions;
}
