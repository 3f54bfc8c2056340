import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { KafkaCredentials } from '../../streams/kafka/kafka-settings.js';
import { type KafkaOptions, openKafka } from '../../streams/kafka/open-kafka.js';
import { type AccessRule, startBroker, type TestBroker } from './broker.js';
import { makeAuthority } from './certificates.js';
import { joinCopying, message, readAll, textOf, until } from './scene.js';

interface Access {
  readonly user: string;
  readonly resource: 'topic' | 'group' | 'transactional-id' | 'cluster';
  readonly pattern: 'prefixed' | 'literal';
  readonly name: string;
  readonly operations: readonly string[];
}

const acls: readonly Access[] = JSON.parse(
  readFileSync(new URL('../../deploy/kafka/acls.json', import.meta.url), 'utf8'),
);
const prefix = 'secured';

describe('a broker with TLS, logins and access rules', () => {
  let broker: TestBroker;
  let options: KafkaOptions;
  const password: KafkaCredentials = { mechanism: 'plain', username: 'worker', password: 'worker-secret' };

  beforeAll(async () => {
    broker = await startBroker({ tls: 'server', sasl: true, acl: true });
    const tls = { ca: broker.ca ?? '' };
    options = { brokers: broker.brokers, prefix, clientId: 'secured', tls, credentials: password, patienceMs: 4000 };
    for (const access of acls.filter(({ user, pattern }) => user === 'worker' && pattern === 'prefixed')) {
      await broker.createAcl(ruleOf(access, prefix));
    }
  });
  afterAll(() => broker?.stop());

  /** Opens in vain, and says in which words; in under `ms`. */
  async function refusal(changed: Partial<KafkaOptions>, ms = 8000): Promise<unknown> {
    const begun = Date.now();
    const error = await openKafka({ ...options, ...changed }).then(
      async (topics) => {
        await topics.close();
        return 'opened';
      },
      (refused: unknown) => refused,
    );
    expect(Date.now() - begun).toBeLessThan(ms);
    return error;
  }

  it.each([
    ['PLAIN', () => password],
    ['SCRAM-SHA-256', () => ({ ...password, mechanism: 'scram-sha-256' as const })],
    ['SCRAM-SHA-512', () => ({ ...password, mechanism: 'scram-sha-512' as const })],
    ['OAUTHBEARER', () => ({ mechanism: 'oauthbearer' as const, token: async () => broker.token('worker') })],
  ])('lets a worker copy with the access rules of deploy/kafka/acls.json, by %s', async (name, credentials) => {
    const topics = await openKafka({ ...options, credentials: credentials() });
    const [input, output] = [`in-${name}`, `out-${name}`];
    const specs = [input, output].map((each) => ({ name: each, partitions: 2, cleanup: 'delete' as const }));
    await topics.ensure([...specs, { name: `state-${name}`, partitions: 2, cleanup: 'compact' }]);
    const { membership, errors, tasks } = await joinCopying(topics, `group-${name}`, { input, output });
    await topics.append([message(input, 'one'), message(input, 'two', 1)]);
    await topics.appendAfter('lock', async () => [message(input, 'three')]);
    await until(async () => (await readAll(topics, output)).length === 2);
    expect((await readAll(topics, output)).map(textOf)).toEqual(['one', 'three']);
    await tasks.get(1)?.append([message(`state-${name}`, 'kept', 1, 'key')]);
    expect((await topics.list()).length).toBeGreaterThanOrEqual(3);
    expect((await topics.committed(`group-${name}`)).length).toBeGreaterThan(0);
    await membership.leave();
    expect(errors).toEqual([]);
    await topics.close();
  });

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'refuses a wrong password by %s, and takes the right one after it in the same process',
    async (mechanism) => {
      const wrong = { ...password, mechanism, password: 'wrong' };
      expect(await refusal({ credentials: wrong })).toMatchObject({
        code: 'broker-refused',
        message: expect.stringMatching(/^127\.0\.0\.1:\d+ refused the user or password \(.*\): mend topics\.sasl$/),
      });
      expect(await refusal({ credentials: { ...wrong, password: 'worker-secret' } })).toBe('opened');
      expect(await refusal({ credentials: wrong })).toMatchObject({ code: 'broker-refused' });
    },
  );

  it('lets nobody in by a token whose time is over', async () => {
    const credentials = { mechanism: 'oauthbearer' as const, token: async () => broker.token('worker', -100) };
    expect(await refusal({ credentials })).toMatchObject({
      code: 'broker-unreachable',
      message: expect.stringContaining('or whether the token of topics.sasl is still good'),
    });
  });

  it('is not trusted where another authority is', async () => {
    const authority = makeAuthority();
    authority.close();
    expect(await refusal({ tls: { ca: authority.ca } })).toMatchObject({
      code: 'broker-refused',
      message: expect.stringMatching(
        /^no TLS connection to 127\.0\.0\.1:\d+ \(.*certificate.*\): mend topics\.ssl, or the port$/,
      ),
    });
  });

  it('wants TLS: a plain client is told that it may be that', async () => {
    const { tls: _, credentials: __, ...plain } = options;
    const error = await openKafka(plain).catch((refused: unknown) => refused);
    expect(error).toMatchObject({
      code: 'broker-unreachable',
      message: expect.stringMatching(
        /start it, or check topics\.brokers, or whether it wants topics\.ssl or topics\.sasl$/,
      ),
    });
  });

  it('has a plain port, where TLS is refused', async () => {
    expect(await refusal({ brokers: broker.adminBrokers })).toMatchObject({
      code: 'broker-refused',
      message: expect.stringMatching(/^no TLS connection to .*mend topics\.ssl, or the port$/),
    });
  });

  it('that is absent is unreachable when the patience is over', async () => {
    expect(await refusal({ brokers: ['127.0.0.1:1'], patienceMs: 4000 }, 5500)).toMatchObject({
      code: 'broker-unreachable',
      message: expect.stringMatching(
        /^no Kafka broker answers at 127\.0\.0\.1:1 \(.*ECONNREFUSED.*\): start it, or check topics\.brokers/,
      ),
    });
  });

  it('whose name does not exist is unreachable when the patience is over', async () => {
    expect(await refusal({ brokers: ['kafka.invalid:9092'], patienceMs: 1500 }, 4000)).toMatchObject({
      code: 'broker-unreachable',
      message: expect.stringContaining('kafka.invalid'),
    });
  });

  it.each([1000, 100_000_000])('takes no session of %d ms, and says so', async (sessionTimeoutMs) => {
    const topics = await openKafka({ ...options, sessionTimeoutMs });
    await topics.ensure([{ name: 'sessions', partitions: 1, cleanup: 'delete' }]);
    const joining = topics.join({ group: 'sessions', topics: ['sessions'], assigned: () => undefined });
    await expect(joining).rejects.toMatchObject({
      code: 'broker-refused',
      message: expect.stringMatching(/takes no topics\.session of this length \(.*\): stay between its group\.min/),
    });
    await topics.close();
  });

  describe('for a worker that lacks', () => {
    const others = `${prefix}-others`;

    async function permit(...rules: readonly (AccessRule | undefined)[]): Promise<void> {
      for (const rule of rules) if (rule !== undefined) await broker.createAcl(rule);
    }
    function rule(resource: AccessRule['resource'], name: string): AccessRule {
      const access = acls.find((each) => each.user === 'worker' && resourceOf(each) === resource);
      if (access === undefined) throw new Error(`acls.json names no ${resource}`);
      return { ...ruleOf(access, others), name };
    }

    it.each([
      ['topics', [], 'topic'],
      ['groups', ['TOPIC', 'TRANSACTIONAL_ID'], 'group'],
      ['transactional ids', ['TOPIC', 'GROUP'], 'transactional'],
    ] as const)('%s, a sentence names them', async (what, given, named) => {
      const own = `${others}-${what.replace(' ', '-')}`;
      await permit(...given.map((resource) => rule(resource, `${own}.`)));
      const topics = await openKafka({ ...options, prefix: own });
      const failed: unknown[] = [];
      const begun = Date.now();
      const work = async () => {
        await topics.ensure([{ name: 'some', partitions: 1, cleanup: 'delete' }]);
        const assigned = () => undefined;
        await topics.join({ group: 'some', topics: ['some'], assigned, failed: (error) => failed.push(error) });
        await until(() => failed.length > 0, 5000);
        throw failed[0];
      };
      await expect(work()).rejects.toMatchObject({
        code: 'broker-forbidden',
        message: expect.stringMatching(
          new RegExp(
            `^Kafka does not permit this to worker \\(.*${named}.*\\): grant the ACLs of deploy/kafka/acls\\.md$`,
            'i',
          ),
        ),
      });
      expect(Date.now() - begun).toBeLessThan(5000);
      expect(failed.length).toBeLessThan(2);
      await topics.close();
    });
  });
});

function resourceOf({ resource }: Access): AccessRule['resource'] {
  const names = { topic: 'TOPIC', group: 'GROUP', 'transactional-id': 'TRANSACTIONAL_ID', cluster: 'CLUSTER' } as const;
  return names[resource];
}

const operations = {
  Create: 'CREATE',
  Describe: 'DESCRIBE',
  DescribeConfigs: 'DESCRIBE_CONFIGS',
  Read: 'READ',
  Write: 'WRITE',
} as const;

function ruleOf(access: Access, prefix: string): AccessRule {
  return {
    resource: resourceOf(access),
    name: access.name.replace('{prefix}', prefix),
    prefixed: access.pattern === 'prefixed',
    operations: access.operations.map((operation) => {
      if (operation in operations) return operations[operation as keyof typeof operations];
      throw new Error(`acls.json names an operation that is not known here: ${operation}`);
    }),
  };
}
