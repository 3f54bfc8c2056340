import { randomUUID } from 'node:crypto';

import avro from 'avsc';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import { intakeStages } from '../../streams/intake/intake-stages.js';
import { openKafka } from '../../streams/kafka/open-kafka.js';
import { runStage, type StageRun } from '../../streams/stage/run-stage.js';
import { stateTopic } from '../../streams/stage/stage.js';
import type { Topics } from '../../streams/topics.js';
import { foreignPartitions, intakeRecipe, lanes } from '../streams/intake/intake-log.js';
import { describeRegistry } from '../streams/intake/registry-contract.js';
import { inWireFormat, json, type TestRegistry } from '../streams/intake/test-registry.js';
import { Commits } from '../streams/stage/stage-log.js';
import { startApicurio } from './apicurio.js';
import { startBroker, type TestBroker } from './broker.js';

let registry: TestRegistry;
let broker: TestBroker;
beforeAll(async () => {
  [registry, broker] = await Promise.all([startApicurio(), startBroker()]);
});
afterAll(() => Promise.all([registry?.stop(), broker?.stop()]));

describeRegistry("Apicurio's Confluent interface", () => registry);

const ticketAvro: avro.Schema = {
  type: 'record',
  name: 'Ticket',
  fields: [
    { name: 'body', type: 'string' },
    { name: 'type', type: { type: 'enum', name: 'Kind', symbols: ['money', 'time'] } },
  ],
};
const body = (n: number) => `It leaks by ${n}.`;

/** A topic that others write, and what a pipeline has beside it. */
async function pipeline(): Promise<{
  readonly topic: string;
  readonly prefix: string;
  readonly open: () => Promise<Topics>;
}> {
  const topic = `tickets-${randomUUID()}`;
  const prefix = `intake-${randomUUID()}`;
  const admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: foreignPartitions }] });
  await admin.disconnect();
  const open = async () => {
    const topics = await openKafka({ brokers: broker.brokers, prefix, clientId: 'intake' });
    onTestFinished(() => topics.close());
    return topics;
  };
  await (await open()).ensure([
    ...['real', 'dead-letters'].map((name) => ({ name, partitions: lanes, cleanup: 'delete' as const })),
    { name: stateTopic('intake.real'), partitions: foreignPartitions, cleanup: 'compact' },
  ]);
  return { topic, prefix, open };
}

async function produce(topic: string, values: readonly (Buffer | null)[], first = 0): Promise<void> {
  const producer = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const messages = values.map((value, n) => ({ value, key: `k${n}`, partition: (first + n) % foreignPartitions }));
  await producer.send({ topic, messages });
  await producer.disconnect();
}

interface Started {
  readonly run: StageRun;
  /** Resolves when so many messages are through, then stops it. */
  readonly through: (count: number) => Promise<void>;
}

async function start(topics: Topics, topic: string, input: object): Promise<Started> {
  const [stage] = intakeStages(intakeRecipe('real', { topic, ...input }), { registryPassword: async () => '' });
  if (stage === undefined) throw new Error('the recipe has no topic of others');
  const commits = new Commits();
  const run = await runStage({ stage, topics, committed: commits.add });
  return {
    run,
    through: async (count) => {
      await Promise.race([commits.reach(count), run.done]);
      run.drain();
      await run.done;
    },
  };
}

async function realTexts(prefix: string): Promise<readonly string[]> {
  const values = await broker.consoleConsumer({ topic: `${prefix}.real`, idleMs: 3000 });
  return values.map((value) => (JSON.parse(value) as { fields: { text: string } }).fields.text);
}

describe('an intake from Kafka', () => {
  it("turns others' Avro into real records exactly once, over a restart", async () => {
    const { topic, prefix, open } = await pipeline();
    const id = await registry.register(`${topic}-value`, { type: 'AVRO', schema: ticketAvro });
    const type = avro.Type.forSchema(ticketAvro);
    const encoded = (n: number) => inWireFormat(id, type.toBuffer({ body: body(n), type: n % 2 ? 'time' : 'money' }));
    const input = { format: 'avro', registry: { url: registry.url } };
    await produce(topic, [...Array.from({ length: 60 }, (_, n) => encoded(n)), json({ body: 'no head' }), null]);
    await (await start(await open(), topic, input)).through(62);
    await produce(
      topic,
      Array.from({ length: 30 }, (_, n) => encoded(60 + n)),
    );
    await (await start(await open(), topic, input)).through(30);

    const texts = await realTexts(prefix);
    expect([...texts].sort()).toEqual(Array.from({ length: 90 }, (_, n) => body(n)).sort());
    const letters = await broker.consoleConsumer({ topic: `${prefix}.dead-letters`, idleMs: 3000 });
    expect(letters.map((letter) => (JSON.parse(letter) as { code: string }).code)).toEqual(['record-undecodable']);
  });

  it('begins at the end with latest, and misses nothing from then on', async () => {
    const { topic, prefix, open } = await pipeline();
    const input = { from: 'latest' };
    await produce(
      topic,
      [0, 1, 2].map((n) => json({ body: body(n) })),
    );
    const first = await start(await open(), topic, input);
    await vi.waitFor(() => expect(first.run.partitions).toHaveLength(foreignPartitions), 30_000);
    await first.through(0);
    await produce(
      topic,
      [3, 4, 5].map((n) => json({ body: body(n) })),
    );
    await (await start(await open(), topic, input)).through(3);
    expect([...(await realTexts(prefix))].sort()).toEqual([3, 4, 5].map(body));
  });
});
