import { randomBytes, randomUUID } from 'node:crypto';

import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { registerCodecs } from '../../streams/kafka/codecs.js';
import { openKafka } from '../../streams/kafka/open-kafka.js';
import { foreignTopic } from '../../streams/kafka/topic-names.js';
import { readAll } from '../../streams/stage/read-all.js';
import { startBroker, type TestBroker } from './broker.js';
import { type Compression, consoleProducer } from './console-producer.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker?.stop());

/** Some that compress well, some that do not, short and long, one beyond every block size. */
const lines = [
  ...Array.from({ length: 500 }, (_, n) => `The river rose by ${n} inches, by ${n} inches, by ${n} inches.`),
  ...Array.from({ length: 50 }, (_, n) => randomBytes(1 + 97 * n).toString('base64')),
  'Überschwemmung '.repeat(20_000),
  randomBytes(150_000).toString('base64'),
];

describe('what others compressed', () => {
  it.each<Compression>(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'is read as it was written, with %s',
    async (compression) => {
      registerCodecs();
      const topic = `compressed-${randomUUID()}`;
      const admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
      await admin.disconnect();
      await consoleProducer(broker.jars, broker.brokers, topic, compression, lines);
      const topics = await openKafka({ brokers: broker.brokers, prefix: 'codecs', clientId: 'codecs' });
      const read: string[] = [];
      for await (const { value } of readAll(topics, foreignTopic(topic), 0))
        read.push(Buffer.from(value ?? []).toString());
      await topics.close();
      expect(read).toEqual(lines);
    },
  );
});
