import { Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs';
import Cluster from 'kafkajs/src/cluster/index.js';
import { createLogger } from 'kafkajs/src/loggers/index.js';

import { registerCodecs } from './codecs.js';
import type { KafkaSettings } from './kafka-settings.js';
import { quickProduce } from './quick-produce.js';
import { quietRequestQueues } from './quiet-request-queues.js';
import { Sockets } from './sockets.js';
import { tellRefusals } from './tell-refusals.js';

const silent = () => () => undefined;
/** Few and short: whoever calls tries again as long as it is wanted, and can say that it waits. */
const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 8 };
const connectionTimeout = 3000;
const requestTimeout = 30_000;

/** A client of the cluster. Its producers, consumers and admins have connections of their own. */
export function kafkaClient(settings: KafkaSettings, sockets: Sockets): Kafka {
  prepareKafkajs();
  const { factory: socketFactory } = sockets;
  return new Kafka({ ...configOf(settings), socketFactory, retry, logLevel: logLevel.NOTHING, logCreator: silent });
}

/** Connections for reading without a consumer group. */
export function readingCluster(settings: KafkaSettings, sockets = new Sockets()): Cluster {
  prepareKafkajs();
  return new Cluster({
    ...configOf(settings),
    retry,
    logger: createLogger({ level: logLevel.NOTHING, logCreator: silent }),
    socketFactory: sockets.factory,
    metadataMaxAge: 300_000,
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
  });
}

function prepareKafkajs(): void {
  quietRequestQueues();
  quickProduce();
  tellRefusals();
  registerCodecs();
}

/** A new object each time: kafkajs keeps an authenticator with its old password on the `sasl` object that it is given. */
function configOf({ brokers, clientId, tls, credentials }: KafkaSettings): KafkaConfig {
  return {
    brokers: [...brokers],
    clientId,
    connectionTimeout,
    requestTimeout,
    authenticationTimeout: 10_000,
    ...(tls === undefined ? {} : { ssl: { ...tls } }),
    ...(credentials === undefined ? {} : { sasl: saslOf(credentials) }),
  };
}

/** Those whose token was good once: where a later one cannot be had, the source is away, and may come back. */
const proven = new WeakSet<object>();

function saslOf(credentials: NonNullable<KafkaSettings['credentials']>): SASLOptions {
  if (credentials.mechanism !== 'oauthbearer') return { ...credentials };
  const { mechanism, token } = credentials;
  return {
    mechanism,
    oauthBearerProvider: async () => {
      try {
        const value = await token();
        proven.add(credentials);
        return { value };
      } catch (error) {
        throw proven.has(credentials) ? new Error('no new access token can be had') : error;
      }
    },
  };
}
