import { setTimeout as delay } from 'node:timers/promises';

import {
  CompressionTypes,
  type Kafka,
  type Producer,
  type ProducerBatch,
  type RecordMetadata,
  type Transaction,
} from 'kafkajs';

import type { Message } from '../topics.js';
import { sizeOf, type TopicCatalogue } from './topic-catalogue.js';
import type { TopicNames } from './topic-names.js';
import { within } from './within.js';

export interface WriterOptions {
  readonly client: Kafka;
  readonly names: TopicNames;
  readonly catalogue: TopicCatalogue;
  readonly compression: 'none' | 'gzip';
  /** As the pipeline names it. */
  readonly transactionalId: string;
  /** How long the brokers let a transaction be open. */
  readonly timeoutMs: number;
}

/** The next offsets of a group's partition, by topic. */
export interface GroupOffsets {
  readonly group: string;
  readonly partition: number;
  readonly offsets: ReadonlyMap<string, number>;
}

const disconnectMs = 500;
/** Of one request in all. */
const requestBytes = 8 * 2 ** 20;

/**
 * The one who may write under a transactional id, until somebody else opens it: a lock that the brokers hold.
 *
 * `open` shuts out all earlier holders before it resolves, even where there is nothing to write yet: a holder that was asleep can
 * neither send nor commit after it. One transaction and one request at a time: a lost answer to one of two requests in flight loses
 * messages silently. After any error a writer is worth nothing: close it, and open another one to learn what came of it.
 */
export class TransactionalWriter {
  private constructor(
    private readonly producer: Producer,
    private readonly options: WriterOptions,
  ) {}

  static async open(options: WriterOptions): Promise<TransactionalWriter> {
    const { client, names, transactionalId, timeoutMs } = options;
    const producer = client.producer({
      transactionalId: names.onCluster(transactionalId),
      transactionTimeout: timeoutMs,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      // A producer's own retries: quick, since a transaction that waits holds up its readers.
      retry: { initialRetryTime: 5, maxRetryTime: 500, retries: 20 },
      createPartitioner: () => explicitPartition,
    });
    try {
      await producer.connect();
      // kafkajs asks for the producer id at the first transaction: now, not when there is work to write.
      await (await producer.transaction()).abort();
      return new TransactionalWriter(producer, options);
    } catch (error) {
      await disconnected(producer);
      throw error;
    }
  }

  /**
   * Writes messages and offsets, all or nothing; resolves with the offset of each message, of which `sent` is told before the
   * commit: from then on its outcome may be in doubt.
   */
  async write(
    messages: readonly Message[],
    consumed?: GroupOffsets,
    sent: (offsets: readonly number[]) => void = () => undefined,
  ): Promise<readonly number[]> {
    const transaction = await this.producer.transaction();
    const offsets = await this.#send(transaction, messages, consumed).catch(async (error: unknown) => {
      // An open transaction holds up all who read behind it, for as long as it may last.
      if (isRefusal(error)) await transaction.abort().catch(() => undefined);
      throw error;
    });
    sent(offsets);
    await transaction.commit();
    return offsets;
  }

  close(): Promise<void> {
    return disconnected(this.producer);
  }

  async #send(
    transaction: Transaction,
    messages: readonly Message[],
    consumed: GroupOffsets | undefined,
  ): Promise<readonly number[]> {
    const offsets: number[] = new Array(messages.length).fill(-1);
    for (const request of requestsOf(messages, (topic) => this.options.catalogue.batchBytes(topic))) {
      const batch = batchOf(
        request.map(({ message }) => message),
        this.options,
      );
      const answers = await transaction.sendBatch(batch);
      placeOffsets(request, answers, this.options.names, offsets);
    }
    // Without messages it is the offsets, be there any or none, that make the brokers look who writes.
    if (consumed !== undefined && (consumed.offsets.size > 0 || messages.length === 0)) {
      await this.#sendOffsets(transaction, consumed);
    }
    return offsets;
  }

  /** Right after a commit its markers may still be on their way: kafkajs does not wait for them here. */
  async #sendOffsets(transaction: Transaction, { group, partition, offsets }: GroupOffsets): Promise<void> {
    const { names } = this.options;
    const topics = [...offsets].map(([topic, offset]) => ({
      topic: names.onCluster(topic),
      partitions: [{ partition, offset: String(offset) }],
    }));
    for (let waitMs = 2; ; waitMs *= 2) {
      try {
        return await transaction.sendOffsets({ consumerGroupId: names.onCluster(group), topics });
      } catch (error) {
        if (!isConcurrent(error) || waitMs > 2000) throw error;
        await delay(waitMs);
      }
    }
  }
}

/** kafkajs waits half a minute for answers that do not come before it disconnects: whoever opens anew shall not. */
async function disconnected(producer: Producer): Promise<void> {
  await within(disconnectMs, producer.disconnect());
}

/** Messages as a request, to the partitions that they name. */
export function batchOf(
  messages: readonly Message[],
  { names, compression }: Pick<WriterOptions, 'names' | 'compression'>,
): ProducerBatch {
  const byTopic = new Map<string, Message[]>();
  for (const message of messages) {
    const list = byTopic.get(message.topic);
    if (list === undefined) byTopic.set(message.topic, [message]);
    else list.push(message);
  }
  return {
    acks: -1,
    compression: compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None,
    topicMessages: [...byTopic].map(([topic, list]) => ({
      topic: names.onCluster(topic),
      messages: list.map(kafkaMessage),
    })),
  };
}

function kafkaMessage({ partition, key, value, headers, timestamp }: Message) {
  return {
    partition,
    key,
    value: value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    headers: { ...headers },
    ...(timestamp === undefined ? {} : { timestamp: String(timestamp) }),
  };
}

interface Placed {
  readonly message: Message;
  readonly index: number;
}

/** In the order of the messages, split where the brokers would refuse a request for its size. */
export function requestsOf(
  messages: readonly Message[],
  batchBytes: (topic: string) => number,
): readonly (readonly Placed[])[] {
  const requests: Placed[][] = [];
  let request: Placed[] = [];
  let total = 0;
  let byPlace = new Map<string, number>();
  for (const [index, message] of messages.entries()) {
    const { topic, partition, key, value, headers } = message;
    const place = `${topic}/${partition}`;
    const bytes = sizeOf(key, value, headers) + 70;
    const here = (byPlace.get(place) ?? 0) + bytes;
    if (request.length > 0 && (here > batchBytes(topic) || total + bytes > requestBytes)) {
      requests.push(request);
      request = [];
      total = 0;
      byPlace = new Map();
    }
    request.push({ message, index });
    total += bytes;
    byPlace.set(place, (byPlace.get(place) ?? 0) + bytes);
  }
  if (request.length > 0) requests.push(request);
  return requests;
}

/** Puts down where the messages of a request lie: behind one another in each partition. */
export function placeOffsets(
  request: readonly Placed[],
  answers: readonly RecordMetadata[],
  names: TopicNames,
  offsets: number[],
): void {
  const next = new Map(answers.map((answer) => [`${answer.topicName}/${answer.partition}`, Number(answer.baseOffset)]));
  for (const { message, index } of request) {
    const place = `${names.onCluster(message.topic)}/${message.partition}`;
    const offset = next.get(place) ?? -1;
    offsets[index] = offset;
    next.set(place, offset + 1);
  }
}

/** A message without a partition could go to another one at a retry. */
export function explicitPartition({ topic, message }: { topic: string; message: { partition?: number } }): number {
  if (message.partition === undefined) throw new TypeError(`a message for ${topic} names no partition`);
  return message.partition;
}

/** Whether the brokers answered, and will not answer otherwise. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || error.name === 'KafkaJSNumberOfRetriesExceeded') return false;
  return Reflect.get(error, 'retriable') === false;
}

function isConcurrent(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'type') === 'CONCURRENT_TRANSACTIONS';
}
