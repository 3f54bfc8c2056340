import type { EachBatchPayload, Kafka, KafkaMessage, Message, Producer } from 'kafkajs';

import { decode } from '../../schemas/codec.js';
import { recordMessage } from '../../streams/record-message.js';
import type { Job } from './job.js';
import { type Meter, now } from './meter.js';

/** What one request takes: a partition takes a mebibyte at once. */
const requestRecords = 750;

/** Copying as kafkajs documents it: each batch in transactions with their offsets. */
export async function joinPlain(
  { group, topic, partitions, batch, rival }: Job,
  client: Kafka,
  meter: Meter,
  holds: (partitions: number) => void,
): Promise<{ leave(): Promise<void> }> {
  const onCluster = (name: string) => `bench.${name}`;
  const producers = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => producerOf(client, `${group}.${partition}`)),
  );
  const consumer = client.consumer({ groupId: group, maxBytesPerPartition: 4 * 2 ** 20, maxWaitTimeInMs: 100 });
  const copied = rival === 'plain' ? forwarded : recoded;
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
    holds(payload.memberAssignment[onCluster(topic)]?.length ?? 0),
  );
  await consumer.connect();
  await consumer.subscribe({ topic: onCluster(topic), fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: partitions,
    eachBatch: async ({ batch: { partition, messages }, resolveOffset, heartbeat }: EachBatchPayload) => {
      const producer = producers[partition];
      if (producer === undefined) throw new Error(`there is no partition ${partition}`);
      await meter.started;
      const fetchedAt = now();
      const size = Math.ceil(messages.length / Math.max(1, Math.round(messages.length / batch)));
      for (let from = 0; from < messages.length; from += size) {
        const chunk = messages.slice(from, from + size);
        const began = now();
        const transaction = await producer.transaction();
        for (let sent = 0; sent < chunk.length; sent += requestRecords) {
          const request = chunk.slice(sent, sent + requestRecords).map((message) => copied(message, partition));
          await transaction.send({ topic: onCluster('copies'), messages: request });
        }
        const last = chunk.at(-1)?.offset ?? '0';
        const offsets = [{ topic: onCluster(topic), partitions: [{ partition, offset: String(Number(last) + 1) }] }];
        await transaction.sendOffsets({ consumerGroupId: group, topics: offsets });
        await transaction.commit();
        meter.committed(began, [{ at: fetchedAt, records: chunk.length }]);
        resolveOffset(last);
        await heartbeat();
      }
    },
  });
  return {
    leave: async () => {
      await consumer.disconnect();
      await Promise.all(producers.map((producer) => producer.disconnect()));
    },
  };
}

async function producerOf(client: Kafka, transactionalId: string): Promise<Producer> {
  const retry = { initialRetryTime: 5 };
  const producer = client.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1, retry });
  await producer.connect();
  return producer;
}

function forwarded({ key, value, headers = {} }: KafkaMessage, partition: number): Message {
  return { key, value, headers, partition };
}

function recoded({ value, headers = {} }: KafkaMessage, partition: number): Message {
  const texts = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)]));
  const message = recordMessage('copies', partition, decode(value ?? new Uint8Array(), texts));
  return {
    partition,
    key: message.key,
    value: message.value === null ? null : Buffer.from(message.value),
    headers: { ...message.headers },
  };
}
