import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { headwater, start } from '../cli/headwater-process.js';
import { pipelineFolder, writeRecipe } from '../cli/pipeline-folder.js';
import { startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { startBroker, type TestBroker } from './broker.js';

const lanes = 2;

let broker: TestBroker;

beforeAll(async () => {
  await pull('wordllama-256');
  broker = await startBroker();
}, 120_000);

afterAll(() => broker?.stop());

/** A recipe on the broker, under a prefix of its own. */
async function pipeline(changes: Readonly<Record<string, unknown>> = {}) {
  const server = await startFakeEndpoint({ latencyMs: 10 });
  onTestFinished(() => server.close());
  const prefix = `river-${randomUUID()}`;
  const topics = { kind: 'kafka', brokers: broker.brokers, prefix, partitions: lanes, session: '6s' };
  const all = { topics, target: { samples: 30 }, shards: { rows: 6 }, ...changes };
  const dir = pipelineFolder(server.url, all);
  return { server, dir, prefix, topics, changes: all };
}

interface Status {
  readonly ledger: { readonly accepted: number };
  readonly stages: readonly { readonly name: string; readonly lags: readonly { readonly lag: number }[] }[];
}

async function printed<Json>(dir: string, ...args: readonly string[]): Promise<Json> {
  const ended = await headwater(dir, [...args, '--json']);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  return JSON.parse(ended.stdout);
}

/** The rows of the manifest, each in one shard, held against what Kafka's own consumer reads. */
async function expectSamples(dir: string, prefix: string, count: number): Promise<void> {
  const { rows, findings } = await printed<{ rows: number; findings: readonly unknown[] }>(
    dir,
    'shards',
    'verify',
    '--out',
    'out',
  );
  expect(findings).toEqual([]);
  const samples = await broker.consoleConsumer({ topic: `${prefix}.samples`, maxMessages: count, idleMs: 8000 });
  const ids = samples.map((json): unknown => JSON.parse(json).id);
  expect([rows, new Set(ids).size, ids.length]).toEqual([count, count, count]);
}

describe('a river on Kafka', () => {
  test('reaches its target, and has as many samples on the topic as in the manifest', async () => {
    const { dir, prefix } = await pipeline();
    const run = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expect(run.code, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ status: 'complete', accepted: 30 });
    await expectSamples(dir, prefix, 30);
    const { ledger, stages } = await printed<Status>(dir, 'status');
    expect(ledger.accepted).toBe(30);
    expect(stages.flatMap(({ lags }) => lags.map(({ lag }) => lag)).every((lag) => lag === 0)).toBe(true);
    // From a folder where nothing ran, by the recipe alone.
    expect(await printed(dir, 'status', '--recipe', 'mails.yaml', '--data', 'elsewhere')).toMatchObject({ ledger });
    const again = await headwater(dir, ['run', 'mails.yaml']);
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('reached before')]);
  });

  test.each([
    { order: ['shard,manifest', 'align', 'refine', 'draft', 'plan'] },
    { order: ['plan', 'draft,refine', 'align,shard', 'manifest'] },
  ])('ends in every worker, started as $order', async ({ order }) => {
    const { dir, prefix } = await pipeline();
    const workers = order.map((stages) => start(dir, ['run', 'mails.yaml', '--stages', stages, '--data', stages]));
    for (const { ended } of workers) {
      const { code, stderr } = await ended;
      expect(code, stderr).toBe(0);
    }
    await expectSamples(dir, prefix, 30);
  });

  test('goes on in the other worker when one is stopped, which ends at once', async () => {
    const { dir, prefix } = await pipeline({ target: { samples: 300 } });
    const run = (data: string) => start(dir, ['run', 'mails.yaml', '--data', data, '--print']);
    const [one, two] = [run('one'), run('two')];
    await Promise.all([one.says(/subject: /), two.says(/subject: /)]);
    one.signal('SIGTERM');
    expect((await one.ended).code).toBe(130);
    const ended = await two.ended;
    expect(ended.code, ended.stderr).toBe(0);
    await expectSamples(dir, prefix, 300);
  });

  test('makes more of what one worker was asked for, though the other asks too', async () => {
    const { dir, prefix } = await pipeline({ target: { samples: 10 } });
    expect((await headwater(dir, ['run', 'mails.yaml'])).code).toBe(0);
    const more = ['one', 'two'].map((data) => headwater(dir, ['run', 'mails.yaml', '--more', '--data', data]));
    for (const { code, stderr } of await Promise.all(more)) expect(code, stderr).toBe(0);
    await expectSamples(dir, prefix, 20);
  });

  test('buries a record that is larger than the brokers take, and goes on', async () => {
    const real = [{ subject: 'large', body: 'x'.repeat(1_046_500) }, ...Array.from({ length: 20 }, small)];
    const { dir } = await pipeline({ inputs: { seeds: 'seeds.jsonl', real: 'real.jsonl' } });
    writeFileSync(join(dir, 'real.jsonl'), real.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const run = await headwater(dir, ['run', 'mails.yaml']);
    expect(run.code, run.stderr).toBe(0);
    const letters = await printed<readonly { value: unknown }[]>(dir, 'tail', 'dead-letters', '--from', 'earliest');
    expect(letters.map(({ value }) => value)).toMatchObject([{ code: 'record-too-large', origin: { line: 1 } }]);
  });
});

describe('refuses in one sentence', () => {
  test('brokers that are not there', async () => {
    const { dir, server } = await pipeline();
    writeRecipe(dir, server.url, { topics: { kind: 'kafka', brokers: ['127.0.0.1:1'] } });
    const says = /no Kafka broker answers at 127\.0\.0\.1:1 .* \[broker-unreachable\]/;
    await expectRefusal(dir, says, { code: 1 });
  });

  test('topics that belong to another recipe', async () => {
    const { dir, server, changes } = await pipeline({ target: { samples: 2 } });
    expect((await headwater(dir, ['run', 'mails.yaml'])).code).toBe(0);
    writeRecipe(dir, server.url, { ...changes, seed: 99 });
    await expectRefusal(dir, /topics belong to another recipe.*topics\.prefix.*seed: 7 there, 99 now/s, {
      args: ['--out', 'new'],
    });
  });

  test.each([
    { what: 'another number of partitions', numPartitions: 5, cleanup: 'delete', says: /has 5 partitions/ },
    { what: 'a retention', numPartitions: lanes, cleanup: 'delete', says: /does not keep all records/ },
    { what: 'a cleanup that loses records', numPartitions: lanes, cleanup: 'compact', says: /cleanup\.policy compact/ },
  ])('a topic with $what', async ({ numPartitions, cleanup, says }) => {
    const { dir, prefix } = await pipeline();
    const configEntries = [{ name: 'cleanup.policy', value: cleanup }];
    const admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic: `${prefix}.drafts`, numPartitions, configEntries }],
    });
    await admin.disconnect();
    await expectRefusal(dir, says);
  });
});

async function expectRefusal(
  dir: string,
  says: RegExp,
  { code: expected = 2, args = [] }: { readonly code?: number; readonly args?: readonly string[] } = {},
): Promise<void> {
  const { code, stderr } = await headwater(dir, ['run', 'mails.yaml', '--data', 'refused', ...args]);
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(code).toBe(expected);
}

function small(_: unknown, index: number) {
  return { subject: `Note ${index}`, body: `The report of day ${index} is ready, with ${index + 3} pages.` };
}
