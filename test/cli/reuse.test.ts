import { cpSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import { type FakeEndpoint, startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { type Ended, headwater, start } from './headwater-process.js';
import { endpoint, type PipelineChanges, pipelineFolder, writeRecipe } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

/** Each process takes seconds to start on a machine that has much else to do. */
const manyProcessesMs = 240_000;

const price = { input: 1000, output: 2000 };

function priced(url: string, base: Readonly<Record<string, unknown>> = {}): PipelineChanges {
  return {
    models: { base: endpoint(url, 'base', { price, ...base }), instruct: endpoint(url, 'instruct', { price }) },
  };
}

/** A pipeline whose first run, in `first`, has paid for all its answers. */
async function paidRun(options: Parameters<typeof startFakeEndpoint>[0] = {}) {
  const server = await startFakeEndpoint(options);
  const dir = pipelineFolder(server.url, priced(server.url));
  const ended = await headwater(dir, ['run', 'mails.yaml', '--data', 'first', '--out', 'out-first', '--json']);
  expect(ended.code, ended.stderr).toBe(0);
  return { server, dir, summary: summaryOf(ended), asked: server.stats().requests };
}

function summaryOf({ stdout, stderr }: Ended) {
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

const second = ['run', 'mails.yaml', '--data', 'second', '--out', 'out-second', '--reuse', 'first', '--json'];

/** What the ledger says was paid and saved for each accepted sample. */
async function spendingByPlan(dir: string, data: string): Promise<ReadonlyMap<string, unknown>> {
  const told = await headwater(dir, ['tail', 'ledger', '--from', 'earliest', '--data', data, '--json']);
  const entries: readonly { readonly value: LedgerEntry }[] = JSON.parse(told.stdout);
  const accepted = entries.map(({ value }) => value).filter(({ outcome }) => outcome === 'accepted');
  return new Map(
    accepted.map(({ planId, cost, savedCalls, savedTokens, savedCost }) => {
      return [planId, { cost, savedCalls, savedTokens, savedCost }];
    }),
  );
}

/** Answers on a pipeline's journals that it paid for itself. */
async function paidAnswers(dir: string, data: string): Promise<number> {
  let paid = 0;
  for (const topic of ['journal.draft', 'journal.refine']) {
    const told = await headwater(dir, ['tail', topic, '--from', 'earliest', '--data', data, '--json']);
    const answers: readonly { readonly value: { readonly reused?: boolean } }[] = JSON.parse(told.stdout);
    paid += answers.filter(({ value }) => value.reused !== true).length;
  }
  return paid;
}

function expectNoneAskedTwice(server: FakeEndpoint): void {
  const { byRequest } = server.stats();
  expect(Object.values(byRequest).filter(({ answered }) => answered > 1)).toEqual([]);
}

describe('run --reuse', () => {
  test('asks nothing again, saves the money, and journals what it found', async () => {
    const { server, dir, summary, asked } = await paidRun();
    expect(summary).toMatchObject({ savedCalls: 0, savedTokens: 0, savedCost: 0 });
    expect(summary.cost).toBeGreaterThan(0);
    const ended = await headwater(dir, second);
    const reused = summaryOf(ended);
    expect(ended.stderr).toMatch(/paid answers of other runs can be used again/);
    expect(reused.samples.map(({ fields }: { fields: unknown }) => fields)).toEqual(
      summary.samples.map(({ fields }: { fields: unknown }) => fields),
    );
    expect(reused).toMatchObject({ cost: 0, accepted: 8 });
    expect(reused.savedCalls).toBeGreaterThanOrEqual(16);
    expect(reused.savedTokens).toBe(reused.promptTokens + reused.completionTokens);
    expect(reused.savedCost).toBeGreaterThan(0);
    expect(server.stats().requests).toBe(asked);

    const { ledger } = summaryOf(await headwater(dir, ['status', '--data', 'second', '--json']));
    expect(ledger).toMatchObject({ cost: 0, savedCalls: reused.savedCalls, savedCost: reused.savedCost });
    const told = (await headwater(dir, ['status', '--data', 'second'])).stdout;
    expect(told).toMatch(new RegExp(`saved +${reused.savedCalls} requests and ${reused.savedTokens} tokens, \\$`));

    // The first folder may go: the second has all the answers itself.
    rmSync(join(dir, 'first'), { recursive: true });
    const third = ['run', 'mails.yaml', '--data', 'third', '--out', 'out-third', '--reuse', 'second', '--json'];
    expect(summaryOf(await headwater(dir, third))).toMatchObject({ cost: 0, savedCost: reused.savedCost });
    expect(server.stats().requests).toBe(asked);
    await server.close();
  });

  test('asks only what is new where a later step has changed', async () => {
    const { server, dir } = await paidRun();
    writeRecipe(dir, server.url, { ...priced(server.url), steps: { refine: { style: 'copy-edit' } } });
    const before = server.stats().byRequest;
    const summary = summaryOf(await headwater(dir, second));
    const { byRequest } = server.stats();
    const fresh = Object.keys(byRequest).filter((request) => before[request] === undefined);
    expect(fresh.length).toBeGreaterThanOrEqual(8);
    for (const request of Object.keys(before)) expect(byRequest[request]).toEqual(before[request]);
    expect(summary.cost).toBeGreaterThan(0);
    expect(summary.savedCalls).toBeGreaterThanOrEqual(8);
    expectNoneAskedTwice(server);
    await server.close();
  });

  test('asks all again where the sampling of the first step has changed', async () => {
    const { server, dir, asked } = await paidRun();
    writeRecipe(dir, server.url, priced(server.url, { temperature: 0.9 }));
    const summary = summaryOf(await headwater(dir, second));
    expect(summary.savedCalls).toBe(0);
    expect(server.stats().requests).toBeGreaterThanOrEqual(asked + 16);
    await server.close();
  });

  test('takes answers of several folders, one of which a run is at work on', async () => {
    const { server, dir } = await paidRun();
    writeRecipe(dir, server.url, { ...priced(server.url), steps: { refine: 'off' }, target: { endless: true } });
    const args = ['run', 'mails.yaml', '--data', 'endless', '--out', 'out-endless', '--reuse', 'first'];
    const running = start(dir, args);
    await running.says(/[1-9]\d* accepted/);
    writeRecipe(dir, server.url, priced(server.url));
    const summary = summaryOf(await headwater(dir, [...second, '--reuse', 'endless']));
    expect(summary).toMatchObject({ status: 'complete', accepted: 8, cost: 0 });
    running.signal('SIGINT');
    expect((await running.ended).code).toBe(130);
    expectNoneAskedTwice(server);
    await server.close();
  });

  test('killed in the middle, pays nothing twice and counts nothing twice', { timeout: manyProcessesMs }, async () => {
    const server = await startFakeEndpoint({ latencyMs: 20 });
    // An answer that the client did not wait for would count here.
    const patient = { timeoutMs: 60_000, retries: 0, price };
    const models = { base: endpoint(server.url, 'base', patient), instruct: endpoint(server.url, 'instruct', patient) };
    const dir = pipelineFolder(server.url, { models });
    const first = ['run', 'mails.yaml', '--data', 'first', '--out', 'out-first', '--json'];
    expect((await headwater(dir, first)).code).toBe(0);
    const before = server.stats().answered;
    // More samples than the first run made, so that much of it is new.
    const longer = [...second, '--samples', '24'];
    const killed = start(dir, longer);
    await killed.says(/used again/);
    await expect.poll(() => server.stats().answered, { interval: 5, timeout: 30_000 }).toBeGreaterThan(before + 8);
    killed.signal('SIGKILL');
    await killed.ended;
    await expect.poll(() => server.stats().inFlight).toBe(0);
    const lost = server.stats().answered - before - (await paidAnswers(dir, 'second'));
    expect(summaryOf(await headwater(dir, longer))).toMatchObject({ accepted: 24 });
    // Only an answer that the journal did not have yet when the process died may be paid for again.
    const { byRequest } = server.stats();
    const twice = Object.values(byRequest).reduce((sum, { answered }) => sum + Math.max(0, answered - 1), 0);
    expect(twice).toBeLessThanOrEqual(lost);

    // Each plan's end says the same as in a run that was not killed.
    const whole = ['run', 'mails.yaml', '--data', 'whole', '--out', 'out-whole', '--reuse', 'first', '--samples', '24'];
    expect((await headwater(dir, [...whole, '--json'])).code).toBe(0);
    const [after, undisturbed] = [await spendingByPlan(dir, 'second'), await spendingByPlan(dir, 'whole')];
    expect(after.size).toBe(24);
    expect(after).toEqual(undisturbed);
    await server.close();
  });
});

describe('run --reuse refuses, with exit code 2 and before anything is asked', () => {
  const cases: readonly (readonly [string, (dir: string) => readonly string[], RegExp])[] = [
    ['a folder that is not there', () => ['--reuse', 'nowhere'], /--reuse nowhere: nothing was run in .*nowhere yet/],
    [
      'the folder of the run itself',
      () => ['--reuse', './second/'],
      /--reuse \.\/second\/: that is the pipeline of this run/,
    ],
    [
      'the same by another name',
      (dir) => {
        cpSync(join(dir, 'first'), join(dir, 'second'), { recursive: true });
        symlinkSync(join(dir, 'second'), join(dir, 'link'));
        return ['--reuse', 'link'];
      },
      /that is the pipeline of this run/,
    ],
    [
      'a folder that another program wrote',
      (dir) => {
        writeFileSync(join(dir, 'first', 'run.json'), '{"name": "mine"}');
        return ['--reuse', 'first'];
      },
      /--reuse first: .*run\.json is not what `headwater run` wrote/,
    ],
    [
      'a folder without its pipeline',
      (dir) => {
        rmSync(join(dir, 'first', 'pipeline.json'));
        return ['--reuse', 'first'];
      },
      /--reuse first: .*holds no pipeline/,
    ],
    [
      'a folder without its log',
      (dir) => {
        rmSync(join(dir, 'first', 'topics'), { recursive: true });
        return ['--reuse', 'first'];
      },
      /--reuse first: .*holds no log\.mdb/,
    ],
    [
      'a log that is something else',
      (dir) => {
        writeFileSync(join(dir, 'first', 'topics', 'log.mdb'), 'no store at all, only a text of some length');
        return ['--reuse', 'first'];
      },
      /--reuse first: .*is no store of Headwater/,
    ],
    [
      'a log that is cut off',
      (dir) => {
        const log = join(dir, 'first', 'topics', 'log.mdb');
        truncateSync(log, Math.floor(readFileSync(log).byteLength / 2));
        return ['--reuse', 'first'];
      },
      /--reuse first: .*is cut off: it has \d+ of \d+ bytes/,
    ],
  ];

  test('each of them', { timeout: manyProcessesMs }, async () => {
    const { server, dir } = await paidRun();
    const { requests } = server.stats();
    cpSync(join(dir, 'first'), join(dir, 'kept'), { recursive: true });
    for (const [what, damaged, message] of cases) {
      for (const folder of ['first', 'second', 'link']) rmSync(join(dir, folder), { recursive: true, force: true });
      cpSync(join(dir, 'kept'), join(dir, 'first'), { recursive: true });
      const args = ['run', 'mails.yaml', '--data', 'second', '--out', 'out-second', ...damaged(dir), '--json'];
      const ended = await headwater(dir, args);
      expect({ what, code: ended.code, stdout: ended.stdout }).toEqual({ what, code: 2, stdout: '' });
      expect(ended.stderr, what).toMatch(message);
      expect(ended.stderr).not.toMatch(/^\s+at /m);
    }
    expect(server.stats().requests).toBe(requests);
    await server.close();
  });
});
