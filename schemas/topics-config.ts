import { z } from 'zod';

import { bytes, time } from './quantity.js';
import { plainUrl, secret } from './secret.js';

const partitions = z.int().positive().max(1024).default(1);
const retention = z.strictObject({ bytes: bytes.optional(), age: time.optional() }).optional();

/** The embedded log: topics in a folder of this machine. */
export const logTopics = z.strictObject({
  kind: z.literal('log').default('log'),
  dir: z.string().min(1).optional(),
  partitions,
  retention,
});

/** PEM files beside the recipe. */
const certificates = z
  .strictObject({
    /** Certificates of the authorities to trust in place of the system's. */
    ca: z.string().min(1).optional(),
    cert: z.string().min(1).optional(),
    key: z.string().min(1).optional(),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    message: 'expected cert and key together: the certificate of a client and its private key',
  });

const passwordLogin = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  username: z.string().min(1),
  password: secret,
});

const tokenLogin = z.strictObject({ mechanism: z.literal('oauthbearer'), token: secret });

/** A token is fetched with OAuth's client credentials. */
const clientLogin = z.strictObject({
  mechanism: z.literal('oauthbearer'),
  tokenUrl: plainUrl(),
  clientId: z.string().min(1),
  clientSecret: secret,
  scope: z.string().min(1).optional(),
});

/** A Kafka cluster. */
export const kafkaTopics = z.strictObject({
  kind: z.literal('kafka'),
  /** Some brokers; they name the others. */
  brokers: z
    .array(z.string().refine(isAddress, 'expected host:port, such as kafka.example.org:9092'))
    .min(1)
    .default(['127.0.0.1:9092']),
  /** Stands before every topic, group and transactional id. Default: the recipe's name. */
  prefix: dotted().optional(),
  /** Names a worker to the brokers. Default: host and process id. */
  clientId: dotted().optional(),
  partitions,
  /** Copies of each partition. Default: the broker's. */
  replicas: z.int().positive().max(32_767).optional(),
  retention,
  /** How long a worker may be silent before its partitions go to others. */
  session: time.refine((milliseconds) => milliseconds >= 6000, 'expected at least 6s').default(10_000),
  compression: z.enum(['none', 'gzip']).default('none'),
  /** A commit comes after this time or these records, whichever is first. */
  commit: z
    .strictObject({ every: time.default(25), records: z.int().positive().max(100_000).default(1000) })
    .prefault({}),
  /** The data folder of this worker. */
  dir: z.string().min(1).optional(),
  /** TLS: `true` trusts the authorities that the system trusts. */
  ssl: z.union([z.boolean(), certificates]).default(false),
  sasl: z.union([passwordLogin, tokenLogin, clientLogin]).optional(),
});

/** A letter, digit, dot, underscore or dash a character: what the names of Kafka's topics may hold. */
function dotted() {
  return z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'expected up to 100 letters, digits, dots, - or _');
}

/** `host:port`, an IPv6 address in brackets. */
function isAddress(text: string): boolean {
  const [, , port = ''] = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(text) ?? [];
  return Number(port) >= 1 && Number(port) <= 65_535;
}
