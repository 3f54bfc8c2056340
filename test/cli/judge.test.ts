import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import type { Quality } from '../../schemas/quality.js';
import type { Verdict } from '../../schemas/verdict.js';
import { type FakeEndpoint, startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { fieldAnswer } from '../fake-endpoint/field-answer.mjs';
import { until } from '../streams/shards/folders.js';
import { headwater, start } from './headwater-process.js';
import { endpoint, pipelineFolder } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

interface Asked {
  readonly model: string;
  readonly messages?: readonly { readonly content: string }[];
}

interface Counted {
  readonly server: FakeEndpoint;
  /** What the judge was asked. */
  readonly judged: string[];
}

/** An endpoint whose judge knows what people wrote; each third answer of it cannot be read. */
async function judging(latencyMs = 0): Promise<Counted> {
  const judged: string[] = [];
  const server = await startFakeEndpoint({
    latencyMs,
    answer: (request, hash) => {
      const asked = request as Asked;
      if (asked.model !== 'judge') return fieldAnswer(request, hash);
      const prompt = asked.messages?.[0]?.content ?? '';
      judged.push(prompt);
      if (Number.parseInt(hash.slice(0, 4), 16) % 3 === 0) return { text: 'It is hard to say.' };
      const place = prompt.split('=== Text ').findIndex((text, n) => n > 0 && !text.includes('By hand'));
      return { text: `The others have a voice.\nAnswer: **${place}**` };
    },
  });
  onTestFinished(() => server.close());
  return { server, judged };
}

function folderOf(url: string, changes: Readonly<Record<string, unknown>> = {}): string {
  const dir = pipelineFolder(url, {
    models: { judge: endpoint(url, 'judge', { price: { input: 1, output: 2 } }) },
    inputs: { seeds: 'seeds.jsonl', real: 'real.jsonl' },
    steps: { judge: { share: 1, attempts: 1 }, measure: { every: 8, window: 16 } },
    target: { samples: 32 },
    ...changes,
  });
  const mail = (n: number) => JSON.stringify({ subject: `By hand ${n}`, body: `By hand, on a wet day, number ${n}.` });
  writeFileSync(join(dir, 'real.jsonl'), `${Array.from({ length: 40 }, (_, n) => mail(n)).join('\n')}\n`);
  return dir;
}

interface Status {
  readonly quality: readonly Quality[];
  readonly judge: {
    readonly judged: number;
    readonly unreadable: number;
    readonly rate: number;
    readonly decision: string;
    readonly spent: { readonly calls: number; readonly cost: number };
  };
  readonly stages: readonly {
    readonly name: string;
    readonly counts: { readonly emitted: number; readonly dropped: Readonly<Record<string, number>> };
  }[];
}

test('samples are judged among real records, and status shows it beside diversity', { timeout: 60_000 }, async () => {
  const { server, judged } = await judging();
  const dir = folderOf(server.url);
  const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  const summary = JSON.parse(ended.stdout);
  expect(summary).toMatchObject({ status: 'complete', accepted: 32 });

  const status: Status = JSON.parse((await headwater(dir, ['status', '--json'])).stdout);
  const counts = status.stages.find(({ name }) => name === 'judge')?.counts;
  const tooFew = counts?.dropped['too-few-real'] ?? 0;
  const verdicts = await tailed<Verdict>(dir, 'verdicts');
  expect(verdicts).toHaveLength(32 - tooFew);
  expect(counts?.emitted).toBe(verdicts.length);
  expect(judged).toHaveLength(verdicts.length);
  expect(status.judge.judged + status.judge.unreadable).toBe(verdicts.length);
  expect(status.judge.unreadable).toBe(verdicts.filter(({ outcome }) => outcome === 'unreadable').length);
  expect(status.judge).toMatchObject({ rate: 0, spent: { calls: verdicts.length } });
  expect(status.judge.spent.cost).toBeGreaterThan(0);
  expect(summary.judge).toEqual(status.judge);
  if (status.judge.judged >= 15) expect(status.judge.decision).toBe('detectable');

  const [quality] = status.quality;
  expect(quality).toMatchObject({ accepted: 32, window: { size: 16 }, meanCosine: { total: { defined: true } } });
  expect(quality?.refinement?.pairs).toBe(16);
  expect((await tailed<Quality>(dir, 'quality')).map(({ accepted }) => accepted)).toEqual([8, 16, 24, 32]);
  const lines = (await headwater(dir, ['status'])).stdout;
  expect(lines).toMatch(
    /^diversity\s+cosine 0\.\d{3} \(recent 0\.\d{3}\), nearest 0\.\d{3}, worth \d+\.\d texts of 16/mu,
  );
  expect(lines).toMatch(/^judge\s+0\.0 % of \d+ taken for real \(guessing 75\.0 %, 0\.0 % to \d+\.\d %\)/mu);
});

test('a run that was stopped goes on: one verdict for each sample, and sums that go on', {
  timeout: 60_000,
}, async () => {
  const { server, judged } = await judging(20);
  const dir = folderOf(server.url);
  const running = start(dir, ['run', 'mails.yaml', '--json', '--grace', '1']);
  await until(() => judged.length > 3);
  running.signal('SIGINT');
  expect((await running.ended).code).toBe(130);
  const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
  expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'complete', accepted: 32 });
  const verdicts = await tailed<Verdict>(dir, 'verdicts');
  expect(new Set(verdicts.map(({ sampleId }) => sampleId)).size).toBe(verdicts.length);
  const status: Status = JSON.parse((await headwater(dir, ['status', '--json'])).stdout);
  const tooFew = status.stages.find(({ name }) => name === 'judge')?.counts.dropped['too-few-real'] ?? 0;
  expect(verdicts).toHaveLength(32 - tooFew);
  expect(verdicts.at(-1)?.running).toMatchObject({ judged: status.judge.judged, unreadable: status.judge.unreadable });
});

test('a judge without real records, or without a model, is refused with the fix', async () => {
  const dir = folderOf('http://127.0.0.1:1/v1', { inputs: { seeds: 'seeds.jsonl' } });
  const refused = await headwater(dir, ['check', 'mails.yaml']);
  expect(refused.code).toBe(2);
  expect(refused.stderr + refused.stdout).toMatch(/inputs\.real.*three real records/u);
  const steps = { judge: { share: 0.5 }, refine: 'off' };
  const unmanned = folderOf('http://127.0.0.1:1/v1', { models: { instruct: undefined, judge: undefined }, steps });
  const second = await headwater(unmanned, ['check', 'mails.yaml']);
  expect(second.code).toBe(2);
  expect(second.stderr + second.stdout).toMatch(/models\.judge.*the step judge needs it/u);
});

async function tailed<Value>(dir: string, topic: string): Promise<readonly Value[]> {
  const records: readonly { readonly value: Value }[] = JSON.parse(
    (await headwater(dir, ['tail', topic, '--from', 'earliest', '--json'])).stdout,
  );
  return records.map(({ value }) => value);
}
