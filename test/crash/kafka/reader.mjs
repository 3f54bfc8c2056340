// Reads a pipeline's topics and offsets with kafkajs alone, in a process of its own: node reader.mjs '{"brokers":[...],"prefix":"..."}'
// prints {"topics":{name:[[message]]},"committed":{group:[offset]}}, by partition, values as base64. Only what is committed is read.
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';

const { brokers, prefix } = JSON.parse(process.argv[2]);
const client = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 20, maxRetryTime: 1000 } });
const admin = client.admin();
await admin.connect();

const own = (name) => name.startsWith(`${prefix}.`);
const short = (name) => name.slice(prefix.length + 1);
// What workers say of themselves is not the pipeline's; one that died while it spoke would be waited for.
const names = (await admin.listTopics()).filter((name) => own(name) && short(name) !== 'workers');
const topics = Object.fromEntries(names.map((name) => [short(name), []]));
const ends = new Map();
for (const topic of names) {
  for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
    topics[short(topic)][partition] = [];
    if (Number(high) > Number(low)) ends.set(`${topic}/${partition}`, Number(high));
  }
}
await readAll();

const committed = {};
const { groups } = await admin.listGroups();
for (const { groupId } of groups.filter((group) => own(group.groupId))) {
  const found = await admin.fetchOffsets({ groupId });
  committed[short(groupId)] = found.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset }) => ({ topic: short(topic), partition, offset: Number(offset) })),
  );
}
await admin.disconnect();
process.stdout.write(JSON.stringify({ topics, committed }), () => process.exit(0));

async function readAll() {
  if (ends.size === 0) return;
  const consumer = client.consumer({ groupId: `reader-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: names, fromBeginning: true });
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error));
    // Its position: also behind records that are not shown, as those of ended transactions.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { topic, partition, lastOffset } }) => {
      const place = `${topic}/${partition}`;
      if (Number(lastOffset) + 1 >= ends.get(place)) ends.delete(place);
      if (ends.size === 0) resolve();
    });
    const eachBatch = async ({ batch: { topic, partition, messages } }) => {
      const held = topics[short(topic)][partition];
      // A reader that joins anew, as after a restart of the broker, is given what it was given before.
      for (const message of messages)
        if (Number(message.offset) > (held.at(-1)?.offset ?? -1)) held.push(plain(message));
    };
    consumer.run({ autoCommit: false, eachBatch }).catch(reject);
  });
  await consumer.disconnect();
}

function plain({ offset, key, value, headers = {}, timestamp }) {
  return {
    offset: Number(offset),
    key: key === null ? null : key.toString(),
    value: value === null ? null : value.toString('base64'),
    headers: Object.fromEntries(Object.entries(headers).map(([name, held]) => [name, held.toString()])),
    timestamp: Number(timestamp),
  };
}
