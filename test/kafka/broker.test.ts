import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Kafka, type KafkaConfig, logLevel, type Message, type SASLOptions } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { startBroker, type TestBroker } from './broker.js';
import { makeAuthority } from './certificates.js';

describe('a plain broker', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker?.stop());

  it('gives a consumer what a producer sent', async () => {
    await createTopic(client(broker), 'round-trip', 2);
    await send(client(broker), 'round-trip', [
      { key: 'a', value: 'one' },
      { key: 'b', value: '{"two":\n2}' },
    ]);
    // The first group of a broker finds its coordinator still loading.
    const read = async () => (await consume(client(broker), 'round-trip', 2)).sort();
    expect(await vi.waitFor(read, { timeout: 30_000, interval: 200 })).toEqual(['one', '{"two":\n2}']);
  });

  it('refuses a topic that nobody made', async () => {
    await expect(send(client(broker), 'nobody-made', [{ value: 'x' }])).rejects.toThrow('does not host this topic');
  });

  it('shows committed records alone to the console consumer, and all of them when asked', async () => {
    await createTopic(client(broker), 'transactions', 1);
    await inTransaction(client(broker), 'transactions', 'kept', 'commit');
    await inTransaction(client(broker), 'transactions', 'dropped', 'abort');
    expect(await broker.consoleConsumer({ topic: 'transactions' })).toEqual(['kept']);
    const all = { topic: 'transactions', isolationLevel: 'read_uncommitted', print: ['offset', 'value'] } as const;
    expect(await broker.consoleConsumer({ ...all, maxMessages: 2 })).toEqual(['Offset:0\tkept', 'Offset:2\tdropped']);
  });

  it('says why the console consumer reads nothing', async () => {
    await expect(broker.consoleConsumer({ topic: 'nobody-made' })).rejects.toThrow('UNKNOWN_TOPIC');
  });

  it('keeps data, ports and committed offsets over SIGKILL', async () => {
    await createTopic(client(broker), 'kept', 1);
    await send(client(broker), 'kept', [{ value: 'before' }]);
    const { pid } = broker;
    await broker.kill('SIGKILL');
    expect(await answers(broker)).toBe(false);
    await broker.restart();
    expect(broker.pid).not.toBe(pid);
    await send(client(broker), 'kept', [{ value: 'after' }]);
    expect(await consume(client(broker), 'kept', 2)).toEqual(['before', 'after']);
  });

  it('answers nothing while frozen and everything afterwards', async () => {
    await createTopic(client(broker), 'frozen', 1);
    await broker.freeze();
    const impatient = client(broker, { requestTimeout: 300, connectionTimeout: 300 });
    await expect(send(impatient, 'frozen', [{ value: 'x' }])).rejects.toThrow();
    await broker.continue();
    await send(client(broker, { retry: { retries: 20 } }), 'frozen', [{ value: 'y' }]);
    expect(await broker.consoleConsumer({ topic: 'frozen', maxMessages: 1 })).toEqual(['y']);
  });

  it('frees its port when it stops', async () => {
    const other = await startBroker();
    expect(await answers(other)).toBe(true);
    await other.stop();
    expect(await answers(other)).toBe(false);
  });
});

describe('a broker with TLS and logins', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ tls: 'server', sasl: true, acl: true });
    await createTopic(client(broker, { brokers: broker.adminBrokers }), 'secured', 1);
    await createTopic(client(broker, { brokers: broker.adminBrokers }), 'other', 1);
    await broker.createAcl({
      resource: 'TOPIC',
      name: 'sec',
      prefixed: true,
      operations: ['READ', 'WRITE', 'DESCRIBE'],
    });
  });
  afterAll(() => broker?.stop());

  const ssl = () => ({ ca: [broker.ca ?? ''] });
  const plainLogin = (): SASLOptions => ({ mechanism: 'plain', ...broker.users.worker });
  const mechanisms: readonly [string, () => SASLOptions][] = [
    ['PLAIN', plainLogin],
    ['SCRAM-SHA-256', () => ({ mechanism: 'scram-sha-256', ...broker.users.worker })],
    ['SCRAM-SHA-512', () => ({ mechanism: 'scram-sha-512', ...broker.users.worker })],
    [
      'OAUTHBEARER',
      () => ({ mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: broker.token('worker') }) }),
    ],
  ];

  it.each(mechanisms)('lets a user in by %s', async (_, sasl) => {
    await send(client(broker, { ssl: ssl(), sasl: sasl() }), 'secured', [{ value: 'x' }]);
  });

  it.each(mechanisms.slice(0, 3))('refuses a wrong password by %s', async (_, login) => {
    const sasl = { ...login(), password: 'wrong' };
    await expect(send(client(broker, { ssl: ssl(), sasl }), 'secured', [{ value: 'x' }])).rejects.toThrow(
      /Authentication failed/,
    );
  });

  it('refuses a token whose time is over', async () => {
    const oauthBearerProvider = async () => ({ value: broker.token('worker', -100) });
    const sasl = { mechanism: 'oauthbearer', oauthBearerProvider } as const;
    await expect(send(client(broker, { ssl: ssl(), sasl }), 'secured', [{ value: 'x' }])).rejects.toThrow('SASL state');
  });

  it('is refused by a client that trusts another authority', async () => {
    const authority = makeAuthority();
    const stranger = client(broker, { ssl: { ca: [authority.ca] }, sasl: plainLogin() });
    authority.close();
    await expect(send(stranger, 'secured', [{ value: 'x' }])).rejects.toThrow(/certificate/);
  });

  it('lets a user do what an access rule names and nothing else', async () => {
    const worker = client(broker, { ssl: ssl(), sasl: plainLogin() });
    await expect(send(worker, 'other', [{ value: 'x' }])).rejects.toThrow('Not authorized to access topics');
    const admin = client(broker, { ssl: ssl(), sasl: { mechanism: 'plain', ...broker.users.admin } });
    await send(admin, 'other', [{ value: 'x' }]);
  });
});

describe('a broker that asks for a certificate', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ tls: 'client-certificate', acl: true });
    await createTopic(client(broker, { brokers: broker.adminBrokers }), 'certified', 1);
    await broker.createAcl({ resource: 'TOPIC', name: 'certified', operations: ['WRITE', 'DESCRIBE'] });
  });
  afterAll(() => broker?.stop());

  it('knows the client by the name in its certificate', async () => {
    const { ca = '', clientCert: cert, clientKey: key } = broker;
    await send(client(broker, { ssl: { ca: [ca], cert, key } }), 'certified', [{ value: 'x' }]);
  });

  it('refuses a client without one', async () => {
    await expect(
      send(client(broker, { ssl: { ca: [broker.ca ?? ''] } }), 'certified', [{ value: 'x' }]),
    ).rejects.toThrow();
  });
});

it('ends a broker whose parent was killed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'headwater-kafka-orphan-'));
  const module = fileURLToPath(new URL('../../deploy/kafka/broker.mjs', import.meta.url));
  const program = `import { start } from ${JSON.stringify(module)};
    const { port } = await start({ dir: ${JSON.stringify(dir)} });
    console.log(port);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(createInterface(parent.stdout), 'line');
  const gone = closed(Number(port));
  parent.kill('SIGKILL');
  await gone;
  rmSync(dir, { recursive: true, force: true });
});

function client(broker: TestBroker, config: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING, retry: { retries: 3 }, ...config });
}

async function createTopic(kafka: Kafka, topic: string, numPartitions: number): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions }] });
    // kafkajs's own waiting fails where the broker does not know the topic yet.
    const isLed = async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      expect(topics[0]?.partitions.filter(({ leader }) => leader >= 0)).toHaveLength(numPartitions);
    };
    await vi.waitFor(isLed, { timeout: 20_000, interval: 50 });
  } finally {
    await admin.disconnect();
  }
}

async function send(kafka: Kafka, topic: string, messages: Message[]): Promise<void> {
  const producer = kafka.producer();
  try {
    await producer.connect();
    await producer.send({ topic, messages });
  } finally {
    await producer.disconnect();
  }
}

async function inTransaction(kafka: Kafka, topic: string, value: string, how: 'commit' | 'abort'): Promise<void> {
  const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
  try {
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value }] });
    await transaction[how]();
  } finally {
    await producer.disconnect();
  }
}

async function consume(kafka: Kafka, topic: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: topic });
  const values: string[] = [];
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((done, failed) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
        values.push(String(message.value));
        if (values.length === count) done();
      };
      consumer.run({ eachMessage }).catch(failed);
    });
  } finally {
    await consumer.disconnect();
  }
  return values;
}

/** Whether something accepts connections at the broker's address. */
async function answers(broker: TestBroker): Promise<boolean> {
  const port = Number(broker.brokers[0]?.split(':')[1]);
  const socket = createConnection(port, '127.0.0.1');
  const answer = await new Promise<boolean>((done) => {
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
  socket.destroy();
  return answer;
}

/** Resolves when the listener of a port ends the connection that this opens. */
async function closed(port: number): Promise<void> {
  const socket = createConnection(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {}).resume();
  await new Promise((done) => socket.once('close', done));
}
