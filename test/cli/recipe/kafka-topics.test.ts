import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { shards } from '../../../cli/commands/shards.js';
import { type LoadRecipeOptions, loadRecipe } from '../../../cli/recipe/load-recipe.js';
import { openPipeline } from '../../../cli/run/kept-run.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-kafka-recipes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Parts {
  readonly topics?: string;
  readonly real?: string;
  readonly base?: string;
}

/** A recipe whose topics stand on line 9 and whose real input stands on line 7. */
function recipeWith({
  topics = '{kind: kafka}',
  real = 'real.jsonl',
  base = '{engine: llama, model: m}',
}: Parts): string {
  return [
    'name: mails',
    'domain:',
    '  about: short e-mails',
    '  fields: {subject: {}, body: {}}',
    '  label: {field: kind, values: [ham, spam]}',
    'inputs: {seeds: seeds.jsonl,',
    `  real: ${real}}`,
    `models: {base: ${base}}`,
    `topics: ${topics}`,
    'steps: {refine: off}',
    'target: {samples: 10}',
  ].join('\n');
}

type Environment = Readonly<Record<string, string>>;

async function load(parts: Parts, options: Partial<LoadRecipeOptions> = {}, environment: Environment = {}) {
  const file = join(folder, 'mails.yaml');
  await writeFile(file, recipeWith(parts));
  return loadRecipe(file, { set: [], ...options }, environment);
}

async function errorOf(parts: Parts, options: Partial<LoadRecipeOptions> = {}): Promise<Error> {
  const error = await load(parts, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error('expected an error');
  return error;
}

async function refusal(parts: Parts, options: Partial<LoadRecipeOptions> = {}): Promise<string> {
  const error = await errorOf(parts, options);
  expect(error).toMatchObject({ name: 'HeadwaterError', code: 'recipe-invalid' });
  return error.message.replaceAll(`${folder}/`, '');
}

describe('topics that are wrong name line, path and what to do', () => {
  test.each([
    ['{kind: kafak}', "mails.yaml:9: topics.kind: expected 'log' or 'kafka', received 'kafak', did you mean 'kafka'?"],
    ["{brokers: ['a:1']}", 'mails.yaml:9: topics.brokers: only with kind: kafka'],
    ['{kind: log, sasl: {}}', 'mails.yaml:9: topics.sasl: only with kind: kafka'],
    ['{kind: kafka, brokrs: []}', "mails.yaml:9: topics.brokrs: unknown key, did you mean 'brokers'?"],
    ['{partitons: 2}', "mails.yaml:9: topics.partitons: unknown key, did you mean 'partitions'?"],
    ['{kind: kafka, brokers: a:1}', 'topics.brokers: expected list, received string'],
    [
      '{kind: kafka, brokers: [localhost]}',
      "topics.brokers.0: expected host:port, such as kafka.example.org:9092, received 'localhost'",
    ],
    ["{kind: kafka, brokers: ['a:1', 'a:1']}", "topics.brokers: 'a:1' is there twice"],
    ['{kind: kafka, session: 5s}', "topics.session: expected at least 6s, received '5s'"],
    ['{kind: kafka, commit: {every: 10s}}', 'topics.commit.every: 10000 ms is not below the session of 10000 ms'],
    ['{kind: kafka, compression: zstd}', "topics.compression: expected 'none' or 'gzip', received 'zstd'"],
    ['{kind: kafka, prefix: a b}', "topics.prefix: expected up to 100 letters, digits, dots, - or _, received 'a b'"],
    ['{kind: kafka, ssl: yes please}', 'topics.ssl: expected boolean or mapping, received string'],
    ['{kind: kafka, ssl: {cert: c.pem}}', 'topics.ssl: expected cert and key together'],
    ['{kind: kafka, ssl: {crt: c.pem}}', "topics.ssl.crt: unknown key, did you mean 'cert'?"],
    [
      '{kind: kafka, sasl: {mechanism: plan}}',
      "topics.sasl.mechanism: expected 'plain', 'scram-sha-256', 'scram-sha-512' or 'oauthbearer', received 'plan', did you mean 'plain'?",
    ],
    ['{kind: kafka, sasl: {username: u, password: $P}}', "topics.sasl.mechanism: is missing: expected 'plain',"],
    [
      '{kind: kafka, sasl: {mechanism: plain, username: u}}',
      'topics.sasl.password: is missing: expected $NAME of an environment variable or {file: PATH}',
    ],
    [
      '{kind: kafka, sasl: {mechanism: plain, username: u, password: 12345}}',
      'topics.sasl.password: expected $NAME of an environment variable or {file: PATH}: a recipe holds no secrets itself, received number',
    ],
    [
      '{kind: kafka, sasl: {mechanism: plain, username: u, password: {fiel: p}}}',
      "topics.sasl.password.fiel: unknown key, did you mean 'file'?",
    ],
    [
      '{kind: kafka, sasl: {mechanism: plain, username: u, password: $P, token: $T}}',
      'topics.sasl.token: only with mechanism: oauthbearer',
    ],
    [
      '{kind: kafka, sasl: {mechanism: oauthbearer, username: u}}',
      'topics.sasl.username: only with mechanism: plain, scram-sha-256 or scram-sha-512',
    ],
    [
      '{kind: kafka, sasl: {mechanism: oauthbearer, token: $T, scope: s}}',
      'topics.sasl.scope: not together with token',
    ],
    [
      "{kind: kafka, sasl: {mechanism: oauthbearer, tokenUrl: 'https://h/', clientId: c}}",
      'topics.sasl.clientSecret: is missing: expected $NAME',
    ],
  ])('%s', async (topics, message) => {
    expect(await refusal({ topics })).toContain(message);
  });
});

describe('a topic of others', () => {
  const both = 'map: {subject: $.s, body: $.b}';

  test.each([
    [
      `{topic: t, ${both}, format: avr}`,
      "mails.yaml:7: inputs.real.format: expected 'json', 'avro' or 'json-schema', received 'avr'",
    ],
    [`{topic: t, ${both}, fromat: json}`, "inputs.real.fromat: unknown key, did you mean 'format'?"],
    ['{topic: t, format: json}', 'inputs.real.map: is missing: expected mapping'],
    [`{${both}}`, 'inputs.real.topic: is missing: expected string'],
    ['{topic: t, module: m.js}', 'inputs.real.module: not together with topic'],
    ['{}', "inputs.real: expected one of the keys 'topic' or 'module'"],
    ['{topic: t, map: {}}', 'inputs.real.map: expected FIELD: $.path'],
    [
      '{topic: t, map: {subject: s, body: $.b}}',
      "inputs.real.map.subject: expected a path such as $.body, $.customer.name or $.items[0].text, received 's'",
    ],
    [
      '{topic: t, map: {subject: $.s, bodi: $.b}}',
      "inputs.real.map.bodi: the domain has no such field, did you mean 'body'?",
    ],
    ['{topic: t, map: {subject: $.s}}', 'inputs.real.map.body: is missing: expected its place, such as $.body'],
    [
      `{topic: t, ${both}, format: avro}`,
      'inputs.real.registry: is missing: format avro needs it, such as registry: {url: ',
    ],
    [
      `{topic: t, ${both}, registry: {url: here}}`,
      "inputs.real.registry.url: expected an address such as https://host/path, received 'here'",
    ],
    [
      `{topic: t, ${both}, registry: {url: 'http://r', username: u}}`,
      'inputs.real.registry: expected username and password together',
    ],
    [
      `{topic: mails.samples, ${both}}`,
      "inputs.real.topic: 'mails.samples' has the prefix of this pipeline's own topics",
    ],
  ])('%s', async (real, message) => {
    expect(await refusal({ real })).toContain(message);
  });

  test('is refused on the embedded log', async () => {
    const message = 'mails.yaml:7: inputs.real.map: only with topics.kind: kafka';
    expect(await refusal({ topics: '{}', real: `{topic: t, ${both}}` })).toContain(message);
  });

  test('gives a label where the map says so; as seeds it must, and documents have a text', async () => {
    await expect(load({ real: '{topic: t, map: {subject: $.s, body: $.b, kind: $.k}}' })).resolves.toBeDefined();
    const seeds = `inputs.seeds={topic: t, ${both}}`;
    expect(await refusal({}, { set: [seeds] })).toContain('inputs.seeds.map.kind: is missing');
    const documents = 'inputs.documents={topic: t, map: {txt: $.s}}';
    const message = await refusal({}, { set: [documents] });
    expect(message).toContain("inputs.documents.map.txt: documents have no such field, did you mean 'text'?");
    expect(message).toContain('inputs.documents.map.text: is missing');
  });
});

describe('warnings', () => {
  const login = (rest: string) => `{kind: kafka, sasl: {mechanism: ${rest}}}`;

  test.each([
    [
      { topics: login('plain, username: u, password: $S') },
      'topics.sasl: without topics.ssl the password and all records travel in clear',
    ],
    [
      { topics: login('scram-sha-256, username: u, password: $S') },
      'topics.sasl: without topics.ssl all records travel in clear',
    ],
    [
      { topics: login('oauthbearer, token: $S') },
      'topics.sasl: without topics.ssl the token and all records travel in clear',
    ],
    [
      { topics: login("oauthbearer, tokenUrl: 'http://id.example.org/', clientId: c, clientSecret: $S") },
      'topics.sasl.tokenUrl: the client secret travels in clear: use an https address',
    ],
    [
      { real: "{topic: t, map: {subject: $.s, body: $.b}, registry: {url: 'http://r'}}" },
      'inputs.real.registry: has no effect with format: json',
    ],
    [
      {
        real: "{topic: t, map: {subject: $.s, body: $.b}, format: avro, registry: {url: 'http://r', username: u, password: $S}}",
      },
      'inputs.real.registry.url: the password travels in clear',
    ],
  ])('%j', async (parts, message) => {
    const { warnings } = await load(parts, {}, { S: 's' });
    expect(warnings.filter((warning) => warning.includes(message))).toHaveLength(1);
  });

  test('there are none where all is encrypted, or stays on this machine', async () => {
    const sasl = "sasl: {mechanism: oauthbearer, tokenUrl: 'http://127.0.0.1:8080/t', clientId: c, clientSecret: $S}";
    expect((await load({ topics: `{kind: kafka, ssl: true, ${sasl}}` }, {}, { S: 's' })).warnings).toEqual([]);
    expect((await load({})).warnings).toEqual([]);
  });
});

describe('a secret that stands in the recipe or the command is refused and never repeated', () => {
  const literal = fc.string({ minLength: 6, maxLength: 30 }).map((text) => `Xq7${text}`);
  const hides = (error: Error, text: string) => {
    expect(error).toMatchObject({ code: 'recipe-invalid' });
    const seen = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`;
    expect(seen).not.toContain('Xq7');
    expect(seen).not.toContain(text);
  };

  test('at any key for a secret', async () => {
    const places = [
      (text: string) => ({ topics: `{kind: kafka, sasl: {mechanism: plain, username: u, password: ${text}}}` }),
      (text: string) => ({ topics: `{kind: kafka, sasl: {mechanism: oauthbearer, token: ${text}}}` }),
      (text: string) => ({ base: `{engine: openai, url: 'http://h', model: m, key: ${text}}` }),
    ];
    await fc.assert(
      fc.asyncProperty(literal, fc.constantFrom(...places), async (text, place) => {
        const error = await errorOf(place(JSON.stringify(text)));
        hides(error, text);
        expect(error.message).toContain('expected $NAME of an environment variable');
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    'topics.sasl.password=Xq7pass',
    'topics.sasl.pasword=Xq7pass',
    'topics.sasl={mechanism: plan, username: u, password: Xq7pass}',
    'topics={kind: kafka, session: 1s, sasl: {mechanism: plain, username: u, password: Xq7pass}}',
    'topics.sasl.password="Xq7pass',
    'models.base={engine: openai, url: here, model: m, key: Xq7pass}',
    "topics.sasl={mechanism: oauthbearer, tokenUrl: 'https://u:Xq7pass@h/', clientId: c, clientSecret: $S}",
  ])('as --set %s', async (set) => {
    const sasl = 'sasl: {mechanism: plain, username: u, password: $P}';
    hides(await errorOf({ topics: `{kind: kafka, ${sasl}}` }, { set: [set] }), 'Xq7pass');
  });

  test('in an address', async () => {
    const map = 'map: {subject: $.s, body: $.b}';
    for (const url of ['http://u:Xq7pass@r/', 'ftp://u:Xq7pass@r/']) {
      hides(await errorOf({ real: `{topic: t, ${map}, registry: {url: '${url}'}}` }), 'Xq7pass');
    }
    hides(await errorOf({ topics: "{kind: kafka, brokers: ['SASL_SSL://u:Xq7pass@h:9092']}" }), 'Xq7pass');
  });
});

describe('environment variables', () => {
  const parts: Parts = {
    topics: '{kind: kafka, ssl: true, sasl: {mechanism: plain, username: u, password: $BROKER}}',
    base: "{engine: openai, url: 'http://h', model: m, key: $MODEL}",
    real: "{topic: t, map: {subject: $.s, body: $.b}, format: avro, registry: {url: 'https://r', username: u, password: $REGISTRY}}",
  };
  const all = { BROKER: 'a', MODEL: 'b', REGISTRY: 'c' };

  test.each([
    ['BROKER', 'topics.sasl.password'],
    ['MODEL', 'models.base.key'],
    ['REGISTRY', 'inputs.real.registry.password'],
  ])('%s must be set to run', async (name, path) => {
    await expect(load(parts, {}, { ...all, [name]: '' })).rejects.toMatchObject({
      code: 'environment-missing',
      message: expect.stringContaining(`${path}: the environment variable ${name} is not set: export ${name}=...`),
    });
    await expect(load(parts, {}, all)).resolves.toBeDefined();
  });

  test('of the client secret and of a token are needed, too; a file needs none', async () => {
    const login = (rest: string) => ({ topics: `{kind: kafka, ssl: true, sasl: {mechanism: oauthbearer, ${rest}}}` });
    const client = "tokenUrl: 'https://h/', clientId: c, clientSecret:";
    expect(await errorOf(login('token: $T'))).toMatchObject({ code: 'environment-missing' });
    expect(await errorOf(login(`${client} $T`))).toMatchObject({ code: 'environment-missing' });
    await expect(load(login(`${client} {file: secret}`))).resolves.toBeDefined();
  });

  test('those of models and registries are not needed to read topics, and none is where no topic is read', async () => {
    await expect(load(parts, { secrets: 'topics' }, { BROKER: 'a' })).resolves.toBeDefined();
    await expect(load(parts, { secrets: 'topics' }, {})).rejects.toMatchObject({ code: 'environment-missing' });
    await expect(load(parts, { secrets: 'none' }, {})).resolves.toBeDefined();
  });

  test('status, tail, load and shards do not ask for the key of a model', async () => {
    const base = "{engine: openai, url: 'http://h', model: m, key: $HEADWATER_KEY_THAT_NOBODY_SETS}";
    const file = join(folder, 'keyed.yaml');
    await writeFile(file, recipeWith({ topics: '{}', base }));
    const data = join(folder, 'nothing');
    await expect(openPipeline({ recipe: file, data })).rejects.toMatchObject({ code: 'input-unreadable' });
    const io = { out: () => undefined, err: () => undefined, isTty: false, json: false };
    expect(await shards({ recipe: file, data }, io)).toBe(0);
  });
});
