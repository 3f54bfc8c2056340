import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKafka } from '../../streams/kafka/open-kafka.js';
import type { BrokerState } from '../../streams/kafka/persistence.js';
import type { Topics } from '../../streams/topics.js';
import { type FaultyBroker, startFaultyBroker } from './faulty-broker.js';
import { joinCopying, type Member, message, readAll, type Scene, scene, textOf, until } from './scene.js';

/** For how long the broker is away: attempts in haste would be hundreds by then. */
const awaySeconds = 8;
const rounds = Number(process.env['HEADWATER_KAFKA_ROUNDS'] ?? 3);

describe('a broker that dies and comes back', () => {
  let broker: FaultyBroker;
  let copy: Scene;
  let topics: Topics;
  let member: Member;
  const states: BrokerState['kind'][] = [];

  beforeAll(async () => {
    broker = await startFaultyBroker();
    copy = await scene(broker, { partitions: 2 });
    topics = await openKafka({ ...copy.settings, stateChanged: ({ kind }) => states.push(kind) });
    member = await joinCopying(topics, copy.group, { input: 'input', output: 'output', maxRecords: 5 });
    await copy.feed(20);
    await copy.copied();
  });
  afterAll(async () => {
    await topics?.close();
    await copy?.close();
    await broker?.stop();
  });

  it('at any moment around commits and appends doubles and loses nothing', async () => {
    await topics.ensure([{ name: 'appended', partitions: 1, cleanup: 'delete' }]);
    let appended = 0;
    for (let round = 0; round < rounds; round++) {
      const busy = new AbortController();
      const appending = (async () => {
        while (!busy.signal.aborted) await topics.append([message('appended', String(appended++))]);
      })();
      await copy.feed(200);
      await moment(Math.random() * 300);
      await broker.kill(round % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
      await broker.restart();
      await copy.copied(40_000);
      busy.abort();
      await appending;
    }
    expect(member.errors).toEqual([]);
    const numbers = Array.from({ length: appended }, (_, index) => String(index));
    expect((await readAll(topics, 'appended')).map(textOf)).toEqual(numbers);
    await copy.isExact();
  });

  it('is waited for, without haste, and worked with again when it is back', async () => {
    states.length = 0;
    await broker.kill('SIGKILL');
    await until(() => states.includes('waiting'));
    const before = broker.proxy.connections;
    const cpu = process.cpuUsage();
    await moment(awaySeconds * 1000);
    const attempts = (broker.proxy.connections - before) / awaySeconds;
    const { user, system } = process.cpuUsage(cpu);
    const share = (user + system) / (awaySeconds * 1e6);
    process.stdout.write(`down: ${attempts.toFixed(1)} connections/s, ${(100 * share).toFixed(1)} % of a core\n`);
    expect(attempts).toBeLessThan(40);
    expect(share).toBeLessThan(0.2);
    await broker.restart();
    await copy.feed(20);
    await copy.copied(30_000);
    await until(() => states.at(-1) === 'connected');
    expect(states.length).toBeLessThan(10);
    expect(member.errors).toEqual([]);
    await copy.isExact();
  });
});

/** Lets real time go by, as it is the broker that is waited for. */
function moment(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
