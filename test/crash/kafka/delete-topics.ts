import { Kafka, logLevel } from 'kafkajs';

/** Deletes the topics of a prefix, so that a long run does not fill the broker. */
export async function deleteTopics(brokers: string[], prefix: string): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`));
    await admin.deleteTopics({ topics });
  } finally {
    await admin.disconnect();
  }
}
