import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { headwater, start } from '../cli/headwater-process.js';
import { type LlamaServer, startLlamaServer } from './llama-server.js';

const samples = 6;
let server: LlamaServer;

beforeAll(async () => {
  await pull('wordllama-256');
  server = await startLlamaServer(4);
}, 300_000);
afterAll(() => server?.kill());

/** A folder for a run of the built-in e-mails, short ones, with both models on the server. */
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'headwater-endpoint-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function command(): readonly string[] {
  const model = { engine: 'openai', url: server.url, model: 'smollm2', maxInFlight: 4, grammar: 'llama.cpp' };
  const models = {
    base: { ...model, temperature: 0.8, maxTokens: 90 },
    instruct: { ...model, temperature: 0.2, maxTokens: 90 },
    embed: { engine: 'static' },
  };
  const set = {
    models,
    domain: { about: 'short e-mails', fields: { subject: { maxLength: 200 }, body: { minLength: 5 } } },
    inputs: { seeds: 'seeds.jsonl' },
    steps: { refine: { style: 'copy-edit' } },
  };
  const sets = Object.entries(set).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`]);
  return ['run', 'emails', '--samples', `${samples}`, '--json', ...sets];
}

async function expectWhole(dir: string): Promise<void> {
  const verified = JSON.parse((await headwater(dir, ['shards', 'verify', '--json'])).stdout);
  expect(verified).toMatchObject({ rows: samples, findings: [] });
  const { ledger } = JSON.parse((await headwater(dir, ['status', '--json'])).stdout);
  expect(ledger).toMatchObject({ accepted: samples, dead: {} });
  const plans = JSON.parse((await headwater(dir, ['tail', 'plans', '--from', 'earliest', '--json'])).stdout);
  const ended = JSON.parse((await headwater(dir, ['tail', 'ledger', '--from', 'earliest', '--json'])).stdout);
  expect(ended).toHaveLength(plans.length);
}

test('the e-mails recipe completes on a real server', async () => {
  const dir = folder();
  const { code, stdout, stderr } = await headwater(dir, command());
  expect(stderr).not.toMatch(/^headwater: /m);
  expect(code).toBe(0);
  const summary = JSON.parse(stdout);
  expect(summary).toMatchObject({ status: 'complete', accepted: samples });
  for (const { fields } of summary.samples) {
    expect(fields.subject).not.toBe('');
    expect(fields.body.length).toBeGreaterThanOrEqual(5);
  }
  await expectWhole(dir);
});

test('the server killed in the middle and started again: nothing is lost', async () => {
  const dir = folder();
  const run = start(dir, command());
  await expect.poll(() => server.busySlots(), { timeout: 60_000 }).toBeGreaterThan(0);
  await server.kill();
  await server.restart();
  const { code, stdout } = await run.ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ status: 'complete', accepted: samples, dead: {} });
  await expectWhole(dir);
});
