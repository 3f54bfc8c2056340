import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';

import { start } from '../../deploy/kafka/broker.mjs';
import { type Identity, makeAuthority } from './certificates.js';
import { type ConsoleConsumerOptions, consoleConsumer } from './console-consumer.js';
import { accessRules, scramUsers, securedListener, unsignedToken, users } from './security.js';

export interface StartOptions {
  /** Broker properties, laid over those of `deploy/kafka/settings.mjs`. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** TLS with an authority of its own; `client-certificate` asks clients for one. @default no TLS */
  readonly tls?: 'server' | 'client-certificate';
  /** Clients log in, by PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER. @default false */
  readonly sasl?: boolean;
  /** `worker` may do only what `createAcl` allows; the name is that of the login or of the client's certificate. @default false */
  readonly acl?: boolean;
  /** Flags of the Java machine. @default the ones that start soonest; `[]` for a benchmark */
  readonly java?: readonly string[];
}

/** One thing that a user may do. */
export interface AccessRule {
  readonly resource: 'TOPIC' | 'GROUP' | 'CLUSTER' | 'TRANSACTIONAL_ID';
  /** `kafka-cluster` for the cluster. */
  readonly name: string;
  /** The name is the beginning of names. @default false */
  readonly prefixed?: boolean;
  readonly operations: readonly Exclude<keyof typeof AclOperationTypes, 'UNKNOWN' | 'ANY'>[];
  /** @default worker */
  readonly username?: string;
}

export interface TestBroker {
  /** Where clients connect: the secured listener where TLS or SASL is on. */
  readonly brokers: string[];
  /** A plain listener without login, above all access rules: for what a test prepares and checks. */
  readonly adminBrokers: string[];
  /** Of the Java process; another one after `restart`. */
  readonly pid: number;
  /** The Java class path of the broker and its tools. */
  readonly jars: string;
  /** The path of the broker's log. */
  readonly log: string;
  /** With `tls`: the PEM certificate of the authority. */
  readonly ca?: string;
  /** With `client-certificate`: the PEM certificate and key of `worker`. */
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly users: typeof users;
  /** An OAUTHBEARER token of a user. @default life of 300 s */
  token(username: string, lifeSeconds?: number): string;
  createAcl(rule: AccessRule): Promise<void>;
  consoleConsumer(options: ConsoleConsumerOptions): Promise<string[]>;
  /** Resolves when the process is gone; the data stays. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again on the same data and ports, ending it first where it runs. */
  restart(): Promise<void>;
  freeze(): Promise<void>;
  continue(): Promise<void>;
  /** Ends the broker and removes its data. */
  stop(): Promise<void>;
}

const plain = { name: 'PLAINTEXT' };
const startsSoon = ['-XX:TieredStopAtLevel=1'];

/** Starts a real Kafka broker on free loopback ports for a test suite. Rejects where Java or Maven is missing. */
export async function startBroker(options: StartOptions = {}): Promise<TestBroker> {
  const { properties = {}, tls, sasl = false, acl = false, java = startsSoon } = options;
  if (acl && !sasl && tls !== 'client-certificate') throw new TypeError('acl: needs sasl or tls: client-certificate');
  const certificates = tls && issueCertificates();
  const serverTls = certificates && { ...certificates, clientCertificate: tls === 'client-certificate' };
  const secured = serverTls || sasl ? [securedListener(serverTls, sasl)] : [];
  const dir = mkdtempSync(join(tmpdir(), 'headwater-kafka-'));
  const broker = await start({
    dir,
    java,
    listeners: [plain, ...secured],
    properties: { ...(acl && accessRules), ...properties },
    format: sasl ? scramUsers() : [],
  });
  const address = (listener: string): string[] => [`127.0.0.1:${broker.ports[listener]}`];
  const adminBrokers = address('PLAINTEXT');

  return {
    brokers: secured.length > 0 ? address('SECURE') : adminBrokers,
    adminBrokers,
    get pid() {
      return broker.pid;
    },
    jars: broker.jars,
    log: broker.log,
    ...(certificates && { ca: certificates.ca }),
    ...(serverTls?.clientCertificate && { clientCert: serverTls.client.cert, clientKey: serverTls.client.key }),
    users,
    token: (username, lifeSeconds = 300) => unsignedToken(username, lifeSeconds),
    createAcl: (rule) => createAcl(adminBrokers, rule),
    consoleConsumer: (asked) => consoleConsumer(broker.jars, adminBrokers, asked),
    kill: (signal) => broker.kill(signal),
    restart: () => broker.restart(),
    freeze: () => broker.kill('SIGSTOP'),
    continue: () => broker.kill('SIGCONT'),
    async stop() {
      await broker.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function issueCertificates(): { ca: string; identity: Identity; client: Identity } {
  const authority = makeAuthority();
  try {
    return { ca: authority.ca, identity: authority.issue('broker'), client: authority.issue(users.worker.username) };
  } finally {
    authority.close();
  }
}

async function createAcl(brokers: string[], rule: AccessRule): Promise<void> {
  const { resource, name, prefixed = false, operations, username = users.worker.username } = rule;
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.createAcls({
      acl: operations.map((operation) => ({
        resourceType: AclResourceTypes[resource],
        resourceName: name,
        resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
        principal: `User:${username}`,
        host: '*',
        operation: AclOperationTypes[operation],
        permissionType: AclPermissionTypes.ALLOW,
      })),
    });
  } finally {
    await admin.disconnect();
  }
}
