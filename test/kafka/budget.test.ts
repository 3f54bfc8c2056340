import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { type Ended, headwater, start } from '../cli/headwater-process.js';
import { endpoint, pipelineFolder, writeRecipe } from '../cli/pipeline-folder.js';
import { startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { startBroker, type TestBroker } from './broker.js';

let broker: TestBroker;

beforeAll(async () => {
  await pull('wordllama-256');
  broker = await startBroker();
}, 120_000);

afterAll(() => broker?.stop());

/** A million tokens cost a dollar. */
const price = { input: 1, output: 1 };

/** A folder with a recipe of two lanes on the broker, and what its prefix is changed by. */
async function pipeline(latencyMs: number, target: Readonly<Record<string, unknown>>) {
  const server = await startFakeEndpoint({ latencyMs });
  onTestFinished(() => server.close());
  const models = {
    base: endpoint(server.url, 'base', { price, maxTokens: 120, retries: 4 }),
    instruct: endpoint(server.url, 'instruct', { price, maxTokens: 120, retries: 4 }),
  };
  const changes = (prefix: string) => ({
    models,
    topics: { kind: 'kafka', brokers: broker.brokers, prefix, partitions: 2 },
    target,
  });
  const dir = pipelineFolder(server.url, changes(`budget-${randomUUID()}`));
  return { server, dir, renew: () => writeRecipe(dir, server.url, changes(`budget-${randomUUID()}`)) };
}

interface Summary {
  readonly status: string;
  readonly accepted: number;
  readonly cost: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly savedTokens: number;
  readonly savedCalls: number;
  readonly calls: number;
}

function summaryOf({ code, stdout, stderr }: Ended): Summary {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

test('a budget ends both workers; other runs use again what they paid for', { timeout: 240_000 }, async () => {
  const { server, dir, renew } = await pipeline(300, { samples: 1000, budget: { tokens: '40k' } });
  const run = ['run', 'mails.yaml', '--workers', '2', '--json'];
  const first = summaryOf(await headwater(dir, [...run, '--data', 'first', '--out', 'out-first']));
  expect(first.status).toBe('budget');
  expect(first.accepted).toBeGreaterThan(10);
  // Each sees within five seconds what the other has spent.
  expect(first.promptTokens + first.completionTokens).toBeLessThan(80_000);
  const paid = server.stats().requests;

  renew();
  const fewer = ['--samples', String(first.accepted - 4)];
  const again = [...run, '--data', 'second', '--out', 'out-second', '--reuse', 'first', ...fewer];
  const second = summaryOf(await headwater(dir, again));
  expect(second).toMatchObject({ status: 'complete', accepted: first.accepted - 4 });
  expect(second.savedCalls).toBeGreaterThan(second.accepted);
  // What the two lanes of the first run had not got to.
  expect(server.stats().requests - paid).toBeLessThan(paid / 2);
});

test('a worker that asks no model ends after the one that has spent the budget', { timeout: 240_000 }, async () => {
  const { dir } = await pipeline(20, { samples: 1000, budget: { tokens: '5k' } });
  const run = (name: string, stages: string) =>
    start(dir, ['run', 'mails.yaml', '--stages', stages, '--data', name, '--out', 'out', '--json']);
  const silent = run('silent', 'align,shard,manifest');
  const asking = run('asking', 'plan,draft,refine');
  expect(summaryOf(await asking.ended).status).toBe('budget');
  const { status, accepted } = summaryOf(await silent.ended);
  expect(status).toBe('budget');
  expect(accepted).toBeGreaterThan(3);
  const verified = await headwater(dir, ['shards', 'verify', '--data', 'silent', '--json']);
  expect(JSON.parse(verified.stdout)).toMatchObject({ rows: accepted, findings: [] });
});
