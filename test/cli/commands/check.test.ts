import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { type CheckOptions, check } from '../../../cli/commands/check.js';

let folder = '';
let recipe = '';
const seed = '{"subject":"Hello","body":"A body of some length.","kind":"ham"}';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-check-'));
  recipe = join(folder, 'mails.yaml');
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  await writeFile(
    recipe,
    `name: mails
domain:
  about: short e-mails
  fields: {subject: {}, body: {}}
  label: {field: kind, values: [ham, spam]}
inputs: {seeds: seeds.jsonl}
models:
  base: {engine: openai, url: 'http://models.test:8000/v1', model: big, price: {input: 1, output: 2}}
  instruct: {engine: llama, model: smollm2-135m-instruct}
target: {samples: 1000}
`,
  );
  await writeFile(join(folder, 'seeds.jsonl'), `${seed}\n`);
});

async function checked(options: Partial<CheckOptions> = {}, json = false) {
  let out = '';
  let err = '';
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
    isTty: false,
    json,
  };
  const code = await check({ recipe, cacheDir: folder, ...options }, io).catch((error: unknown) => error);
  return { code, out, err };
}

test('draws the dataflow, and says where texts go, what it reads and what it costs', async () => {
  const { code, out, err } = await checked();
  expect(code).toBe(0);
  expect(out).toContain('[draft]  draft (3 examples, up to 3 attempts)   asks openai/big');
  expect(out).toContain('openai/big: on a server, which was not asked; texts go to models.test:8000, another machine');
  expect(out).toMatch(/smollm2-135m-instruct: is fetched at the first run \(98 MB\); texts stay in this process/);
  expect(out).toContain('seeds.jsonl: 1 good');
  expect(out).toMatch(/cost {5}\d+\.\d\d US dollars/);
  expect(out).toContain('time     not known');
  expect(out).not.toContain('corrections');
  expect(err).toContain('without real, the distance to the real distribution is not measured');
});

test('follows the recipe: a step that is off, a price that is not known, another target', async () => {
  const base = "models.base={engine: openai, url: 'http://localhost:1/v1', model: big}";
  const { out } = await checked({ set: ['steps.refine=off', base], samples: 24 });
  expect(out).toContain('[refine]  passed on as drafted\n');
  expect(out).not.toContain('smollm2');
  expect(out).toContain('texts go to localhost:1; price unknown\n');
  expect(out).toContain('Estimate for 24 accepted samples');
  expect(out).toContain('cost     not known');
});

test('counts documents and drafts, and names what is wrong with them', async () => {
  await writeFile(join(folder, 'one.txt'), 'A text.');
  await writeFile(join(folder, 'two.txt'), 'Another one.');
  await writeFile(join(folder, 'drafts.jsonl'), '{"subject":"Hi","body":"There."}\n{"subject":"Hi","kind":"ham"}\n');
  const set = ["inputs.documents='*.txt'", 'inputs.drafts=drafts.jsonl', 'steps.draft.way=given'];
  const { code, out } = await checked({ set });
  expect(code).toBe(0);
  expect(out).toMatch(/documents \*\.txt: 2 good\n/);
  expect(out).toMatch(/drafts {4}drafts\.jsonl: 1 good, 1 bad\n.*'body' is missing/);
  expect(out).toContain('◄── documents (*.txt)');
  expect(out).toContain('◄── given (drafts.jsonl)');
});

test('prints one JSON document', async () => {
  const { out } = await checked({}, true);
  const report: unknown = JSON.parse(out);
  expect(report).toMatchObject({
    name: 'mails',
    stages: [
      { name: 'plan' },
      { name: 'draft', model: 'openai/big' },
      {},
      { produces: ['samples', 'quality'] },
      {},
      {},
    ],
    models: [{ role: 'base', sendsTo: 'models.test:8000' }, { role: 'instruct', state: 'fetch' }, { role: 'embed' }],
    inputs: [{ input: 'seeds', read: 1, dead: 0, error: null }],
    estimate: { samples: 1000, seconds: null, cost: expect.any(Number) },
  });
});

test('the cost is tokens times price', async () => {
  const { out } = await checked({ set: ['steps.refine=off'] }, true);
  const { estimate } = JSON.parse(out);
  const [base] = estimate.models;
  expect(estimate.cost).toBeCloseTo((base.promptTokens * 1 + base.completionTokens * 2) / 1e6, 10);
  expect(estimate.tokens).toBe(base.promptTokens + base.completionTokens);
});

test('names bad lines, and fails where none is good', async () => {
  await writeFile(join(folder, 'seeds.jsonl'), `${seed}\nno json\n`);
  expect((await checked()).out).toMatch(/seeds\.jsonl: 1 good, 1 bad\n {4}seeds\.jsonl:2: it is not JSON/);
  await writeFile(join(folder, 'seeds.jsonl'), '{"subject":"x"}\n');
  const { code, out } = await checked();
  expect(code).toMatchObject({
    code: 'input-unreadable',
    message: expect.stringContaining("the field 'body' is missing"),
  });
  expect(out).toContain('Dataflow');
});

test.each([
  ['inputs.seeds=nothing.jsonl', 'input-unreadable', 'nothing.jsonl does not exist'],
  ['models.base={engine: llama, model: no-such-model}', 'model-missing', 'models.base: there is no file no-such-model'],
  ['models.base.modle=x', 'recipe-invalid', "did you mean 'model'?"],
])('fails for %s', async (set, expected, message) => {
  const { code } = await checked({ set: [set] });
  expect(code).toMatchObject({ code: expected, message: expect.stringContaining(message) });
});

async function withReal(count: number, ...set: string[]) {
  const lines = Array.from(
    { length: count },
    (_, n) => `{"subject":"Mail ${n}","body":"A body of some length.","kind":"ham"}\n`,
  );
  await writeFile(join(folder, 'real.jsonl'), lines.join(''));
  return checked({ set: ['inputs.real=real.jsonl', ...set] }, true);
}

test('fails for fewer real records than the lanes need, as a run does', async () => {
  const { code } = await withReal(5, 'method=synalign', 'topics.partitions=2');
  const message =
    'inputs.real: real.jsonl has 5 usable records, and 2 lanes need 6: add some, or lower topics.partitions';
  expect(code).toMatchObject({ code: 'input-unreadable', message });
  expect((await withReal(6, 'method=synalign', 'topics.partitions=2')).code).toBe(0);
  expect((await withReal(1)).code).toBe(0);
});

test('warns of real records that are too few to be compared with, or to be watched for drift', async () => {
  const warnings = async (count: number, ...set: string[]) =>
    JSON.parse((await withReal(count, ...set)).out).warnings as readonly string[];
  const few =
    'steps.rollingMmd: inputs.real has 31 records for each of 2 lanes, and corrections need 32: the distance will not be known, and nothing steered; add records, or lower steps.rollingMmd.window';
  expect(await warnings(63, 'topics.partitions=2')).toEqual([few]);
  expect(await warnings(64, 'topics.partitions=2')).toEqual([]);
  expect(await warnings(10, 'steps.rollingMmd.window=10')).toEqual([]);
  expect(await warnings(10, 'steps.rollingMmd=off')).toEqual([]);
  const drift = 'steps.rollingMmd.drift={reference: 300, window: 32}';
  expect(await warnings(300, drift)).toEqual([
    'steps.rollingMmd.drift.reference: inputs.real has 300 records, and the first 300 are the reference: drift will not be tested; lower it, or add records',
  ]);
  expect(await warnings(301, drift)).toEqual([]);
  // the bandwidth is taken from 256, and the averages are learned from the last of them and 303 more
  const newma = 'steps.rollingMmd.drift={test: newma, window: 32}';
  expect(await warnings(559, newma)).toEqual([
    'steps.rollingMmd.drift.window: inputs.real has 559 records, and the first 559 are learned from: drift will not be tested; lower it, or add records',
  ]);
  expect(await warnings(560, newma)).toEqual([]);
});

test('warns of labels that no real record has', async () => {
  const warnings = async (...set: string[]) =>
    JSON.parse((await withReal(64, ...set)).out).warnings as readonly string[];
  expect(await warnings('method=synalign')).toEqual([
    'domain.label: no record of inputs.real is spam: their samples all weigh 1; name labels as the real records do, or leave domain.label out',
  ]);
  const follows = ['method=synalign', 'domain.label.shares=real'];
  expect(await warnings(...follows)).toEqual([
    'domain.label: no record of inputs.real is spam: none of these will be planned; name labels as the real records do, or leave domain.label out',
  ]);
  expect(await warnings(...follows, 'domain.label.values=[good, bad]')).toEqual([
    'domain.label: no record of inputs.real is good or bad (they have ham): all labels will be planned alike; name labels as the real records do, or leave domain.label out',
  ]);
  expect(await warnings('method=synalign', 'steps.align=off')).toEqual([]);
});

test('draws where real records come in', async () => {
  const { out } = await checked({ set: ['inputs.real={topic: mails}'] });
  expect(out).toContain('◄── mails (topic mails)');
  expect(out).toContain('──► corrections');
  expect(out).toContain('topic mails: read when it runs');
});

test('says where topics are: in a folder, or on which brokers, as whom, without secrets', async () => {
  expect((await checked()).out).toContain('Topics\n  log       .headwater, on this machine; 1 partition\n');
  await writeFile(join(folder, 'password'), 'hunter2\n');
  const sasl = 'sasl: {mechanism: scram-sha-512, username: worker, password: {file: password}}';
  const set = [`topics={kind: kafka, brokers: ['a:9093', 'b:9093'], partitions: 4, ssl: true, ${sasl}}`];
  const { code, out } = await checked({ set });
  expect(code).toBe(0);
  expect(out).toContain('  kafka     a:9093, b:9093, which was not asked\n');
  expect(out).toContain('topics mails.*, 4 partitions; TLS; user worker (scram-sha-512)\n');
  const json = (await checked({ set }, true)).out;
  expect(JSON.parse(json)).toMatchObject({
    topics: {
      kind: 'kafka',
      brokers: ['a:9093', 'b:9093'],
      prefix: 'mails',
      partitions: 4,
      tls: true,
      clientCertificate: false,
      mechanism: 'scram-sha-512',
      user: 'worker',
    },
  });
  expect(out + json).not.toContain('hunter2');
  expect(JSON.parse((await checked({}, true)).out)).toMatchObject({
    topics: { kind: 'log', dir: '.headwater', partitions: 1 },
  });
});

test('fails after its report where a certificate or a secret of the topics is not there', async () => {
  const { code, out } = await checked({ set: ['topics={kind: kafka, ssl: {ca: nowhere.pem}}'] });
  expect(code).toMatchObject({ code: 'recipe-invalid', message: expect.stringContaining('topics.ssl.ca: ') });
  expect(out).toContain('topics mails.*, 1 partition; TLS; no user\n');
});
