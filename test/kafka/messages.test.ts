import { type Admin, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openKafka } from '../../streams/kafka/open-kafka.js';
import { foreignTopic } from '../../streams/kafka/topic-names.js';
import type { Message, StoredMessage, Task, Topics } from '../../streams/topics.js';
import { startBroker, type TestBroker } from './broker.js';
import { joinWith, message, never, readAll, textOf, until, wide } from './scene.js';

const prefix = 'messages';
const group = 'readers';

describe('messages on a broker', () => {
  let broker: TestBroker;
  let topics: Topics;
  let raw: Kafka;
  let admin: Admin;

  beforeAll(async () => {
    broker = await startBroker({ properties: { 'log.cleaner.backoff.ms': 100 } });
    topics = await openKafka({ brokers: broker.brokers, prefix, clientId: 'messages' });
    raw = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING });
    admin = raw.admin();
    await admin.connect();
  });
  afterAll(async () => {
    await topics?.close();
    await admin?.disconnect();
    await broker?.stop();
  });

  async function createRaw(name: string, config: Readonly<Record<string, string>> = {}): Promise<void> {
    const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    await admin.createTopics({ topics: [{ topic: `${prefix}.${name}`, numPartitions: 1, configEntries }] });
  }

  async function soleTask(name: string, of = group): Promise<Task> {
    const { tasks } = await joinWith(topics, { group: of, topics: [name] });
    await until(() => tasks.size === 1);
    const task = tasks.get(0);
    if (task === undefined) throw new Error('no task');
    return task;
  }

  it('that were aborted are not shown, also where a key looks like the marker of an abort', async () => {
    await createRaw('ghosts');
    const producer = raw.producer({ transactionalId: 'foreign', maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const transaction = await producer.transaction();
    const key = Buffer.from([0, 0, 0, 0, 1]);
    const ghosts = [{ key, value: 'ghost' }, { value: 'ghost' }];
    await transaction.send({ topic: `${prefix}.ghosts`, messages: ghosts });
    await transaction.abort();
    const committed = await producer.transaction();
    await committed.send({ topic: `${prefix}.ghosts`, messages: [{ key, value: 'real' }] });
    await committed.commit();
    await producer.disconnect();
    expect((await readAll(topics, 'ghosts')).map(textOf)).toEqual(['real']);
    const fetched = await (await soleTask('ghosts')).fetch('ghosts', 0, wide, never);
    expect(fetched.map(textOf)).toEqual(['real']);
  });

  it('with keys of four zero bytes are refused', async () => {
    await createRaw('zeros');
    await expect(topics.append([message('zeros', 'x', 0, '\0\0\0\0tail')])).rejects.toMatchObject({
      code: 'topic-misfit',
      message: "a key for 'zeros' begins with four zero bytes, which readers mistake",
    });
  });

  it('that retention deleted are passed over: a task begins at the low mark, and commits no other place', async () => {
    await createRaw('aging');
    await topics.append(Array.from({ length: 10 }, (_, index) => message('aging', String(index))));
    const first = await soleTask('aging', 'old');
    await first.commit({ outputs: [], offsets: new Map([['aging', 2]]) });
    // kafkajs must know the topic's leader first.
    await admin.fetchTopicMetadata({ topics: [`${prefix}.aging`] });
    await admin.deleteTopicRecords({ topic: `${prefix}.aging`, partitions: [{ partition: 0, offset: '7' }] });
    const other = await openKafka({ brokers: broker.brokers, prefix, clientId: 'other' });
    const { tasks } = await joinWith(other, { group: 'new', topics: ['aging'] });
    await until(() => tasks.size === 1);
    expect(tasks.get(0)?.committed.get('aging')).toBe(7);
    const messages = await tasks.get(0)?.fetch('aging', 7, wide, never);
    expect(messages?.map(textOf)).toEqual(['7', '8', '9']);
    expect((await first.fetch('aging', 2, wide, never)).map(textOf)).toEqual(['7', '8', '9']);
    await other.close();
    expect(await topics.committed('old')).toEqual([{ topic: 'aging', partition: 0, offset: 2 }]);
    expect(await topics.committed('new')).toEqual([]);
  });

  it('that compaction took away leave gaps that reading passes', async () => {
    const quick = { 'segment.ms': '50', 'min.cleanable.dirty.ratio': '0.001', 'min.compaction.lag.ms': '0' };
    await createRaw('gaps', { ...quick, 'cleanup.policy': 'compact', 'delete.retention.ms': '0' });
    let written = 0;
    const write = async (count: number) => {
      const batch = Array.from({ length: count }, () => {
        const n = written++;
        return message('gaps', String(n), 0, `key-${n % 3}`);
      });
      await topics.append(batch);
    };
    for (let round = 0; round < 20; round++) await write(100);
    let left: readonly StoredMessage[] = [];
    await until(async () => {
      await write(3);
      left = await readAll(topics, 'gaps');
      return left.length < 1000;
    });
    const newest = new Map(left.map((each) => [each.key, textOf(each)]));
    expect([...newest.values()].map(Number).sort((a, b) => a - b)).toEqual([written - 3, written - 2, written - 1]);
    const task = await soleTask('gaps', 'gaps');
    const fetched: StoredMessage[] = [];
    for (let next = 0; fetched.at(-1)?.offset !== left.at(-1)?.offset; next = (fetched.at(-1)?.offset ?? 0) + 1) {
      fetched.push(...(await task.fetch('gaps', next, { maxRecords: 10, maxBytes: 100 }, never)));
    }
    expect(new Map(fetched.map((each) => [each.key, textOf(each)]))).toEqual(newest);
  });

  it('of a batch larger than asked for come one after the other', async () => {
    await createRaw('large-batch');
    await topics.append(Array.from({ length: 40 }, (_, index) => sized('large-batch', 20_000, index)));
    const firsts: number[] = [];
    for (let from = 0; firsts.length < 40; ) {
      const messages = await topics.read('large-batch', 0, from, { maxRecords: 1000, maxBytes: 1000 });
      expect(messages).toHaveLength(1);
      firsts.push(messages[0]?.value?.[0] ?? -1);
      from = (messages[0]?.offset ?? 0) + 1;
    }
    expect(firsts).toEqual(Array.from({ length: 40 }, (_, index) => index));
  });

  it.each([
    ['the default', {}],
    ['100 kB', { 'max.message.bytes': '100000' }],
    ['3 MB', { 'max.message.bytes': '3000000' }],
  ])('may be as large as the limit, %s, and not larger', async (limit, config) => {
    const name = `limit-${limit.replace(' ', '-')}`;
    await createRaw(name, config);
    await topics.append([sized(name, 1)]);
    const max = Number(Object.values(config)[0] ?? 1_048_588) - 512;
    await topics.append([sized(name, max), sized(name, max)]);
    await expect(topics.append([sized(name, max + 1)])).rejects.toMatchObject({
      code: 'record-too-large',
      message: `a message of ${max + 1} bytes for '${name}', which takes ${max}: raise its max.message.bytes`,
    });
    const task = await soleTask(name, name);
    const many = Array.from({ length: 30 }, () => sized(name, Math.floor(max / 4)));
    await task.commit({ outputs: many, offsets: new Map([[name, 1]]) });
    expect(await task.append(many)).toHaveLength(30);
    expect(await readAll(topics, name)).toHaveLength(63);
  });

  it('of three megabytes are one commit: all are seen, or none where the broker refuses one', async () => {
    await createRaw('outputs');
    const task = await soleTask('outputs', 'outputs');
    const outputs = Array.from({ length: 30 }, (_, index) => sized('outputs', 100_000, index));
    await task.commit({ outputs, offsets: new Map([['outputs', 0]]) });
    await until(async () => (await topics.offsets('outputs'))[0]?.pending === undefined);
    expect((await readAll(topics, 'outputs')).map(({ value }) => value?.[0])).toEqual(outputs.map((_, index) => index));
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: `${prefix}.outputs`,
          configEntries: [{ name: 'max.message.bytes', value: '910000' }],
        },
      ],
    });
    const refused = task.commit({
      outputs: [...outputs, sized('outputs', 950_000)],
      offsets: new Map([['outputs', 9]]),
    });
    await expect(refused).rejects.toMatchObject({
      code: 'record-too-large',
      message: expect.stringMatching(
        /^Kafka takes no message of this size \(.*\): raise the topic's max\.message\.bytes$/,
      ),
    });
    // Nothing stays open that would hold up other readers for the minute that a transaction may last.
    await until(async () => (await topics.offsets('outputs'))[0]?.pending === undefined, 5000);
    expect(await readAll(topics, 'outputs')).toHaveLength(30);
    expect((await topics.committed('outputs'))[0]?.offset).toBe(0);
  });

  it('of a topic that differs from the one asked for are refused in a sentence that says what to set', async () => {
    await createRaw('misfit');
    const spec = { name: 'misfit', partitions: 3, cleanup: 'delete' } as const;
    await expect(topics.ensure([spec])).rejects.toMatchObject({
      code: 'topic-misfit',
      message:
        "the topic 'messages.misfit' has 1 partitions, and the recipe asks for 3: set topics.partitions to 1, or choose another topics.prefix, or delete the topic if it holds nothing",
    });
    await expect(topics.ensure([{ ...spec, partitions: 1, cleanup: 'compact' }])).rejects.toMatchObject({
      code: 'topic-misfit',
      message: expect.stringMatching(/has cleanup\.policy delete, and compact is needed: alter its cleanup\.policy/),
    });
  });

  it('that a decision fails to make are not asked for again: its own error comes out', async () => {
    let asked = 0;
    const boom = new Error('boom');
    const decide = async () => {
      asked++;
      throw boom;
    };
    await expect(topics.appendAfter('deciding', decide)).rejects.toBe(boom);
    expect(asked).toBe(1);
  });

  it('of topics of others are committed under the name that the pipeline reads them by', async () => {
    await admin.createTopics({ topics: [{ topic: 'elsewhere', numPartitions: 1 }] });
    const name = foreignTopic('elsewhere');
    const task = await soleTask(name, 'intake');
    await task.commit({ outputs: [], offsets: new Map([[name, 0]]) });
    expect(await topics.committed('intake')).toEqual([{ topic: name, partition: 0, offset: 0 }]);
  });
});

function sized(topic: string, bytes: number, first = 7): Message {
  return { topic, partition: 0, key: null, value: new Uint8Array(bytes).fill(first) };
}
