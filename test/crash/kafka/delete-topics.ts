import { Kafka, logLevel } from 'kafkajs';

import type { TestBroker } from '../../kafka/broker.js';
import { BrokerRestarts } from './broker-restarts.js';

/** Deletes the topics of a prefix, so that a long run does not fill the broker. */
export async function deleteTopics(broker: TestBroker, prefix: string): Promise<void> {
  await BrokerRestarts.of(broker).whileUp(async () => {
    const admin = new Kafka({ brokers: broker.adminBrokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`));
      await admin.deleteTopics({ topics });
    } finally {
      await admin.disconnect();
    }
  });
}
