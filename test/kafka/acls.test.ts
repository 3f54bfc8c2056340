import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { openKafka } from '../../streams/kafka/open-kafka.js';
import type { Task, Topics } from '../../streams/topics.js';
import { type AccessRule, startBroker, type TestBroker } from './broker.js';

interface Acl {
  readonly user: 'worker' | 'scaler';
  readonly resource: 'topic' | 'group' | 'transactional-id';
  readonly pattern: 'prefixed' | 'literal';
  readonly name: string;
  readonly operations: readonly string[];
}

const acls = JSON.parse(readFileSync('deploy/kafka/acls.json', 'utf8')) as readonly Acl[];
const resources = { topic: 'TOPIC', group: 'GROUP', 'transactional-id': 'TRANSACTIONAL_ID' } as const;
const operations: Readonly<Record<string, AccessRule['operations'][number]>> = {
  Create: 'CREATE',
  Describe: 'DESCRIBE',
  DescribeConfigs: 'DESCRIBE_CONFIGS',
  Read: 'READ',
  Write: 'WRITE',
};
const bounds = { maxRecords: 10, maxBytes: 2 ** 20 };

describe('a user with the ACLs of deploy/kafka/acls.json', () => {
  let broker: TestBroker;

  beforeAll(async () => {
    broker = await startBroker({ sasl: true, acl: true });
  });

  afterAll(async () => {
    await broker?.stop();
  });

  it('does all that a worker does', async () => {
    await grant('mine');
    const topics = await asWorker('mine');
    try {
      await topics.ensure([
        { name: 'in', partitions: 1, cleanup: 'delete' },
        { name: 'state.copy', partitions: 1, cleanup: 'compact' },
      ]);
      await topics.append([message('in', 'a'), message('in', 'b')]);
      await topics.appendAfter('lock', async () => [message('in', 'c')]);
      const task = await joined(topics);
      const read = await task.fetch('in', 0, bounds, task.lost);
      await task.append([message('in', 'd')]);
      await task.commit({ outputs: [message('state.copy', 's')], offsets: new Map([['in', 1]]) });
      expect(read.length).toBeGreaterThan(0);
      // A commit is confirmed before readers see it.
      const seen = async () => expect(await topics.read('state.copy', 0, 0, bounds)).toHaveLength(1);
      await vi.waitFor(seen, { timeout: 10_000, interval: 20 });
      expect(await topics.committed('copy')).toEqual([{ topic: 'in', partition: 0, offset: 1 }]);
      expect((await topics.list()).map(({ name }) => name).toSorted()).toEqual(['in', 'state.copy']);
    } finally {
      await topics.close();
    }
  });

  it('is refused what belongs to another pipeline', async () => {
    const topics = await asWorker('yours');
    try {
      await expect(topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete' }])).rejects.toMatchObject({
        code: 'broker-forbidden',
      });
    } finally {
      await topics.close();
    }
  });

  it.each([
    ['topic', 'Create'],
    ['topic', 'DescribeConfigs'],
    ['topic', 'Write'],
    ['transactional-id', 'Write'],
  ])('needs %s %s', async (resource, operation) => {
    const prefix = `without-${resource}-${operation}`;
    await grant(prefix, (acl, each) => acl.resource === resource && each === operation);
    const topics = await asWorker(prefix);
    const asked = async () => {
      await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
      await topics.appendAfter('lock', async () => [message('in', 'a')]);
    };
    try {
      await expect(asked()).rejects.toMatchObject({ code: 'broker-forbidden' });
    } finally {
      await topics.close();
    }
  });

  async function grant(prefix: string, leftOut: (acl: Acl, operation: string) => boolean = () => false): Promise<void> {
    for (const acl of acls) {
      const { user, resource, pattern, name } = acl;
      const named = acl.operations.filter((operation) => !leftOut(acl, operation));
      if (user !== 'worker' || pattern !== 'prefixed') continue;
      await broker.createAcl({
        resource: resources[resource],
        name: name.replace('{prefix}', prefix),
        prefixed: true,
        operations: named.flatMap((operation) => operations[operation] ?? []),
      });
    }
  }

  function asWorker(prefix: string): Promise<Topics> {
    const credentials = { mechanism: 'scram-sha-512', ...broker.users.worker } as const;
    return openKafka({ brokers: broker.brokers, prefix, clientId: 'acls', credentials });
  }
});

function joined(topics: Topics): Promise<Task> {
  return new Promise((resolve, reject) => {
    topics.join({ group: 'copy', topics: ['in'], assigned: resolve }).catch(reject);
  });
}

function message(topic: string, text: string) {
  return { topic, partition: 0, key: text, value: new TextEncoder().encode(text) };
}
