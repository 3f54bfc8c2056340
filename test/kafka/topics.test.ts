import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll } from 'vitest';

import { openKafka } from '../../streams/kafka/open-kafka.js';
import { topicsContract } from '../streams/topics-contract.js';
import { startBroker, type TestBroker } from './broker.js';

let broker: TestBroker;

beforeAll(async () => {
  broker = await startBroker();
}, 60_000);

afterAll(() => broker?.stop());

topicsContract(
  'Kafka',
  async () => {
    const prefix = `contract-${randomUUID()}`;
    const open = () => openKafka({ brokers: broker.brokers, prefix, clientId: 'contract' });
    let topics = await open();
    return {
      topics,
      reopen: async () => {
        await topics.close();
        topics = await open();
        return topics;
      },
      close: () => topics.close(),
    };
  },
  { runs: 5 },
);
