import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { kafkaSettings } from '../../../cli/run/kafka-settings.js';
import { type KafkaTopicsConfig, recipe } from '../../../schemas/recipe.js';
import type { KafkaSettings } from '../../../streams/kafka/kafka-settings.js';

const pem = (name: string) => join(import.meta.dirname, 'pem', name);
let base = '';
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'headwater-kafka-settings-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

function config(topics: object): KafkaTopicsConfig {
  const parsed = recipe.parse({
    name: 'mails',
    domain: { about: 'mails', fields: { body: {} } },
    inputs: { seeds: 'seeds.jsonl' },
    models: { base: { engine: 'llama', model: 'small' } },
    target: { samples: 1 },
    topics: { kind: 'kafka', ...topics },
  });
  if (parsed.topics.kind !== 'kafka') throw new Error('expected Kafka topics');
  return parsed.topics;
}

function settings(topics: object, environment: Readonly<Record<string, string>> = {}): Promise<KafkaSettings> {
  return kafkaSettings(config(topics), { name: 'mails', base, environment });
}

/** What a person or a log could see of an error. */
async function refusal(topics: object, environment: Readonly<Record<string, string>> = {}) {
  const error = await settings(topics, environment).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error('expected an error');
  const seen = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}${error.stack}`;
  return { error, message: error.message, seen };
}

const plain = (password: unknown) => ({ sasl: { mechanism: 'plain', username: 'worker', password } });
const passwordOf = ({ credentials }: KafkaSettings) =>
  credentials !== undefined && 'password' in credentials ? credentials.password : undefined;

test('defaults: the recipe names the prefix, host and process the client', async () => {
  expect(await settings({})).toEqual({
    brokers: ['127.0.0.1:9092'],
    prefix: 'mails',
    clientId: `headwater-${hostname().replace(/[^A-Za-z0-9._-]/g, '-')}-${process.pid}`,
    sessionTimeoutMs: 10_000,
    compression: 'none',
    commitEveryMs: 25,
    commitRecords: 1000,
  });
});

test('what the recipe says comes through', async () => {
  const topics = {
    brokers: ['a:1', '[::1]:2'],
    prefix: 'p',
    clientId: 'c',
    session: '20s',
    replicas: 3,
    compression: 'gzip',
    commit: { every: '100ms', records: 5 },
    ssl: true,
  };
  expect(await settings(topics)).toEqual({
    brokers: ['a:1', '[::1]:2'],
    prefix: 'p',
    clientId: 'c',
    tls: {},
    sessionTimeoutMs: 20_000,
    replicas: 3,
    compression: 'gzip',
    commitEveryMs: 100,
    commitRecords: 5,
  });
});

describe('certificates', () => {
  test('of an authority, and of the client with its key, are read', async () => {
    const { tls } = await settings({ ssl: { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client-key.pem') } });
    expect(tls?.ca).toContain('BEGIN CERTIFICATE');
    expect(tls?.cert).toContain('BEGIN CERTIFICATE');
    expect(tls?.key).toContain('BEGIN PRIVATE KEY');
  });

  test.each<[string, string | Uint8Array, string]>([
    ['text.pem', 'not a certificate', 'holds no PEM certificate (BEGIN CERTIFICATE): a Java keystore'],
    ['store.p12', Uint8Array.of(0x30, 0x82, 0, 0xff), 'holds no PEM certificate'],
    [
      'cut.pem',
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
      'holds a certificate that is damaged',
    ],
  ])('%s as an authority is refused', async (file, content, message) => {
    await writeFile(join(base, file), content);
    const refused = await refusal({ ssl: { ca: file } });
    expect(refused.error).toMatchObject({ code: 'recipe-invalid' });
    expect(refused.message).toContain(`topics.ssl.ca: ${join(base, file)} ${message}`);
  });

  test('a file that is not there, or is a folder, is named with its path', async () => {
    await mkdir(join(base, 'folder'));
    const { message } = await refusal({ ssl: { ca: 'nowhere.pem' } });
    expect(message).toBe(
      `topics.ssl.ca: ${join(base, 'nowhere.pem')} does not exist: check the path, which is relative to the recipe`,
    );
    expect((await refusal({ ssl: { ca: 'folder' } })).message).toContain('is a folder: name the file in it');
  });

  test('a key of another certificate, an encrypted one, a damaged one and a certificate in its place are refused', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const other = privateKey.export({ format: 'pem', type: 'pkcs8' });
    const locked = privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' });
    const body = other.toString().split('\n')[1] ?? '';
    const damaged = other.toString().replace(body, body.replaceAll(/[A-M]/g, 'z'));
    const refused = async (key: string | Buffer) => {
      await writeFile(join(base, 'key.pem'), key);
      const { message, seen } = await refusal({ ssl: { cert: pem('client.pem'), key: 'key.pem' } });
      expect(seen).not.toContain(body.slice(0, 40));
      return message;
    };
    expect(await refused(other)).toContain(`is not the key of the certificate ${pem('client.pem')}`);
    expect(await refused(locked)).toContain('is encrypted: write it without passphrase');
    expect(await refused(damaged)).toContain('holds a private key that is damaged');
    const { message } = await refusal({ ssl: { cert: pem('client.pem'), key: pem('ca.pem') } });
    expect(message).toContain('holds no PEM private key (BEGIN PRIVATE KEY): it holds another kind of PEM');
  });
});

describe('a password', () => {
  test('comes from the environment, or from a file without one newline at its end', async () => {
    expect(passwordOf(await settings(plain('$BROKER_PASSWORD'), { BROKER_PASSWORD: ' p w ' }))).toBe(' p w ');
    for (const [content, password] of [
      ['secret', 'secret'],
      ['secret\n', 'secret'],
      ['secret\r\n', 'secret'],
      [' secret \n', ' secret '],
    ] as const) {
      await writeFile(join(base, 'password'), content);
      expect(passwordOf(await settings(plain({ file: 'password' })))).toBe(password);
    }
  });

  test('that is not set, or empty, is missed by the name of its variable', async () => {
    for (const environment of [{}, { BROKER_PASSWORD: '' }]) {
      const { error, message } = await refusal(plain('$BROKER_PASSWORD'), environment);
      expect(error).toMatchObject({ code: 'environment-missing' });
      expect(message).toBe(
        'topics.sasl.password: the environment variable BROKER_PASSWORD is not set: export BROKER_PASSWORD=... before you start',
      );
    }
    expect((await refusal(plain('$BROKER_PASSWORD'), { BROKER_PASSWORD: '\n' })).message).toContain('is empty');
  });

  test.each([
    ['', 'is empty: put the secret there'],
    ['\n', 'is empty: put the secret there'],
    ['hunter2\nhunter2\n', 'has more than one line'],
    ['hunter2\0', 'has more than one line'],
    ['hunter2'.repeat(10_000), 'is longer than 64 KiB'],
    [Uint8Array.of(0x68, 0xff), 'is not UTF-8 text'],
  ])('file of %j is refused without showing it', async (content, message) => {
    await writeFile(join(base, 'bad'), content);
    const { error, message: said, seen } = await refusal(plain({ file: 'bad' }));
    expect(error).toMatchObject({ code: 'recipe-invalid' });
    expect(said).toContain(`topics.sasl.password: ${join(base, 'bad')} ${message}`);
    expect(seen).not.toContain('hunter2');
  });

  test('file that is not there is named', async () => {
    expect((await refusal(plain({ file: 'nowhere' }))).message).toContain('topics.sasl.password: ');
  });
});

describe('a token', () => {
  const oauth = (token: unknown) => ({ sasl: { mechanism: 'oauthbearer', token } });
  const tokenOf = async ({ credentials }: KafkaSettings) =>
    credentials?.mechanism === 'oauthbearer' ? await credentials.token() : undefined;

  test('comes from the environment', async () => {
    expect(await tokenOf(await settings(oauth('$TOKEN'), { TOKEN: 'abc' }))).toBe('abc');
    expect((await refusal(oauth('$TOKEN'))).error).toMatchObject({ code: 'environment-missing' });
  });

  test('in a file is read anew each time, and first at the start', async () => {
    expect((await refusal(oauth({ file: 'token' }))).message).toContain('topics.sasl.token: ');
    await writeFile(join(base, 'token'), 'first\n');
    const found = await settings(oauth({ file: 'token' }));
    expect(await tokenOf(found)).toBe('first');
    await writeFile(join(base, 'token'), 'second\n');
    expect(await tokenOf(found)).toBe('second');
  });
});
