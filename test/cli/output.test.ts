import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { headwater, start } from './headwater-process.js';
import { pipelineFolder, seeds } from './pipeline-folder.js';

const topics = [
  ...['seeds', 'real', 'documents', 'plans', 'drafts', 'refined', 'samples', 'corrections', 'shards', 'ledger'],
  ...['dead-letters', 'journal.draft', 'journal.refine'],
  ...['plan', 'draft', 'refine', 'align', 'shard', 'manifest'].map((stage) => `state.${stage}`),
];

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

/** What a command prints, which must be one JSON document and nothing else. */
async function printed(dir: string, ...args: readonly string[]) {
  const { code, stdout } = await headwater(dir, [...args, '--json']);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

/** Names of properties at any depth, but for those that are data: topics, reasons, fields. */
function propertyNames(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(propertyNames);
  if (typeof value !== 'object' || value === null) return [];
  const data = new Set(['fields', 'dropped', 'dead', 'labels', 'headers', 'vary']);
  return Object.entries(value).flatMap(([name, inner]) => [name, ...(data.has(name) ? [] : propertyNames(inner))]);
}

test('every command prints one JSON document in camelCase, during a run and after', async () => {
  const server = await startFakeEndpoint({ latencyMs: 20 });
  const dir = pipelineFolder(server.url, {
    inputs: { seeds: { topic: 'examples' }, real: { topic: 'mails' } },
    steps: { rollingMmd: { window: 8, every: 4 } },
    target: { samples: 24 },
  });
  const real = Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ subject: `News ${i}`, body: `The ${i}th letter.` }),
  );
  writeFileSync(join(dir, 'real.jsonl'), [...real, 'no json'].join('\n'));

  // Inputs come before the first run; the records go to the topics that the recipe names.
  const loaded = await printed(dir, 'load', 'seeds', 'seeds.jsonl', '--recipe', 'mails.yaml');
  expect(loaded).toEqual({ topic: 'seeds', files: [{ file: 'seeds.jsonl', read: 6, dead: 0 }] });
  const first = await printed(dir, 'load', 'real', 'real.jsonl', '--recipe', 'mails.yaml');
  expect(first.files).toEqual([{ file: 'real.jsonl', read: 40, dead: 1 }]);
  writeFileSync(join(dir, 'manual.txt'), 'All there is to know.');
  for (const [kind, topic] of [
    ['documents', 'documents'],
    ['drafts', 'given'],
  ] as const) {
    const { files } = await printed(dir, 'load', kind, kind === 'documents' ? 'manual.txt' : 'seeds.jsonl');
    expect(files).toHaveLength(1);
    expect(await printed(dir, 'tail', topic, '--from', 'earliest')).toHaveLength(files[0].read);
  }
  expect(await printed(dir, 'tail', 'examples', '--from', 'earliest')).toHaveLength(6);
  expect(await printed(dir, 'tail', 'mails', '--from', 'earliest')).toHaveLength(40);

  const run = start(dir, ['run', 'mails.yaml', '--json']);
  const followed = start(dir, ['tail', 'samples', '--from', 'earliest', '--follow', '--json']);
  await followed.says(/\n/);
  const during = await printed(dir, 'status');
  expect(during.name).toBe('mails');
  expect(await printed(dir, 'load', 'real', 'real.jsonl')).toEqual(first);
  const { code, stdout } = await run.ended;
  expect(code).toBe(0);
  const summary = JSON.parse(stdout);
  expect(summary).toMatchObject({ status: 'complete', accepted: 24, mmd2: expect.any(Number) });
  expect(summary.samples).toHaveLength(24);

  followed.signal('SIGINT');
  const { code: followedCode, stdout: lines } = await followed.ended;
  expect(followedCode).toBe(130);
  const samples = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(samples[0]).toMatchObject({ topic: 'samples', partition: 0, offset: 0, value: { kind: 'sample' } });

  const status = await printed(dir, 'status');
  expect(status.ledger.accepted).toBe(24);
  expect(status.correction.mmd2).toBe(summary.mmd2);
  const documents = [
    summary,
    status,
    await printed(dir, 'shards'),
    await printed(dir, 'shards', 'verify'),
    await printed(dir, 'models'),
  ];
  for (const document of documents) {
    for (const name of propertyNames(document)) expect(name).toMatch(/^[a-z][A-Za-z0-9]*$/);
  }
  for (const topic of topics) {
    for (const { value } of await printed(dir, 'tail', topic, '--from', 'earliest')) {
      // Journals and memory hold any JSON; a topic of records holds records.
      if (!topic.includes('.')) expect(value.kind).toMatch(/^[a-z-]+$/);
    }
  }
  await server.close();
});

describe('in a pipe', () => {
  test('plain text: samples with --print on standard output, progress on standard error', async () => {
    const server = await startFakeEndpoint();
    const dir = pipelineFolder(server.url);
    const { code, stdout, stderr } = await headwater(dir, ['run', 'mails.yaml', '--print']);
    expect(code).toBe(0);
    expect(stdout.match(/^subject: The /gm)).toHaveLength(8);
    expect(stdout).toMatch(/accepted {3}8 of 8 \(8 in this run, \d:\d\d\)/);
    expect(stdout + stderr).not.toContain('\u001b');
    expect(stderr).toMatch(/8 of 8 accepted · \d:\d\d/);
    for (const command of [['status'], ['shards'], ['shards', 'verify'], ['tail', 'samples'], ['models']]) {
      const shown = await headwater(dir, command);
      expect(shown.code).toBe(0);
      expect(shown.stdout).not.toBe('');
      expect(shown.stdout).not.toContain('\u001b');
    }
    await server.close();
  });

  test('a line of progress every few seconds', async () => {
    const server = await startFakeEndpoint({ latencyMs: 400 });
    const dir = pipelineFolder(server.url, { target: { endless: true } });
    const run = start(dir, ['run', 'mails.yaml']);
    await run.says(/\d+ accepted · 0:\d\d · .*\n(?:.*\n)*?\d+ accepted · 0:\d\d · /);
    run.signal('SIGINT');
    expect((await run.ended).code).toBe(130);
    await server.close();
  });

  test('a reader that leaves early ends the command as Ctrl-C does', async () => {
    const server = await startFakeEndpoint({ latencyMs: 20 });
    const dir = pipelineFolder(server.url, { target: { endless: true } });
    const run = start(dir, ['run', 'mails.yaml', '--print']);
    await run.says(/subject: /);
    run.hangUp();
    const { code, stderr } = await run.ended;
    expect(code).toBe(130);
    expect(stderr).not.toMatch(/^\s+at /m);
    await server.close();
  });
});

test('records come from standard input', async () => {
  const server = await startFakeEndpoint();
  const dir = pipelineFolder(server.url, { inputs: { seeds: { topic: 'seeds' } } });
  const load = start(dir, ['load', 'seeds', '-', '--recipe', 'mails.yaml', '--json']);
  load.write(seeds.join('\n'));
  expect(JSON.parse((await load.ended).stdout).files).toEqual([{ file: '-', read: 6, dead: 0 }]);
  expect((await headwater(dir, ['run', 'mails.yaml', '--samples', '2'])).code).toBe(0);
  await server.close();
});

test('seeds that come while a run waits for them begin it', async () => {
  const server = await startFakeEndpoint();
  const dir = pipelineFolder(server.url, { inputs: { seeds: { topic: 'seeds' } } });
  const run = start(dir, ['run', 'mails.yaml', '--samples', '2']);
  await run.says(/0 of 2 accepted/);
  const load = start(dir, ['load', 'seeds', '-', '--json']);
  load.write(seeds.join('\n'));
  expect((await load.ended).code).toBe(0);
  expect((await run.ended).code).toBe(0);
  await server.close();
});

test('seeds may be a glob', async () => {
  const server = await startFakeEndpoint();
  const dir = pipelineFolder(server.url, { inputs: { seeds: 'seed*.jsonl' } });
  expect((await headwater(dir, ['run', 'mails.yaml', '--samples', '2'])).code).toBe(0);
  await server.close();
});

test('a bad offset is refused, and one beyond the end shows nothing', async () => {
  const server = await startFakeEndpoint();
  const dir = pipelineFolder(server.url);
  expect((await headwater(dir, ['run', 'mails.yaml', '--samples', '1'])).code).toBe(0);
  const bad = await headwater(dir, ['tail', 'plans', '--from', 'yesterday']);
  expect(bad.stderr).toMatch(/--from: expected earliest, latest or an offset from 0, not 'yesterday'/);
  expect(bad.code).toBe(2);
  expect(await printed(dir, 'tail', 'plans', '--from', '100000')).toEqual([]);
  const absent = await headwater(dir, ['tail', 'plan']);
  expect(absent.stderr).toMatch(/topic 'plan' does not exist.*\[topic-unknown\]/);
  expect(absent.code).toBe(2);
  await server.close();
});
