import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { type FakeEndpoint, type Fault, startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { mounted, until } from '../streams/shards/folders.js';
import { type Ended, HeadwaterProcess, headwater, program, start } from './headwater-process.js';
import { endpoint, pipelineFolder, writeRecipe } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

interface Summary {
  readonly status: string;
  readonly accepted: number;
  readonly dead: Readonly<Record<string, number>>;
  readonly samples: readonly { readonly id: string; readonly fields: Readonly<Record<string, string>> }[];
}

function summaryOf({ stdout }: Ended): Summary {
  return JSON.parse(stdout);
}

function expectNoStack({ stderr }: Ended): void {
  expect(stderr).not.toMatch(/^\s+at /m);
}

/** Every plan that was sent has ended once, and the shards hold what was accepted, each once. */
async function expectNothingLost(dir: string, accepted: number, data = '.headwater'): Promise<void> {
  const printed = async (...args: readonly string[]) =>
    JSON.parse((await headwater(dir, [...args, '--data', data, '--json'])).stdout);
  const status = await printed('status');
  expect(status.ledger.accepted).toBe(accepted);
  const plans: readonly StoredRecord[] = await printed('tail', 'plans', '--from', 'earliest');
  const ended: readonly StoredRecord[] = await printed('tail', 'ledger', '--from', 'earliest');
  expect(new Set(ended.map(({ value }) => value.planId))).toEqual(new Set(plans.map(({ value }) => value.id)));
  expect(ended).toHaveLength(plans.length);
  expect(await printed('shards', 'verify')).toMatchObject({ rows: accepted, findings: [] });
}

interface StoredRecord {
  readonly value: { readonly id: string; readonly planId?: string };
}

/** The texts of a run that nothing disturbed. */
async function undisturbed(): Promise<readonly unknown[]> {
  const server = await startFakeEndpoint();
  const ended = await headwater(pipelineFolder(server.url), ['run', 'mails.yaml', '--json']);
  await server.close();
  return textsOf(ended);
}

function textsOf(ended: Ended): readonly unknown[] {
  return summaryOf(ended).samples.map(({ fields }) => fields);
}

describe('an endpoint that misbehaves for a while: the samples are those of a run without faults', () => {
  const faults: readonly (readonly [string, Fault])[] = [
    ['answers HTML', { kind: 'html' }],
    ['truncates JSON', { kind: 'truncated' }],
    ['hangs', { kind: 'hang', share: 0.3 }],
    ['drops connections', { kind: 'close' }],
    ['breaks off', { kind: 'cut' }],
    ['ends too soon', { kind: 'end-early' }],
    ['answers 500', { kind: 'status', status: 500 }],
    ['answers 429 for a second', { kind: 'status', status: 429, retryAfter: '1', untilMs: 1000 }],
  ];
  let expected: readonly unknown[] | undefined;

  test.each(faults)('%s', async (_, fault) => {
    const server = await startFakeEndpoint({ faults: [fault] });
    const models = {
      base: endpoint(server.url, 'base', { retries: 4 }),
      instruct: endpoint(server.url, 'instruct', { retries: 4 }),
    };
    const dir = pipelineFolder(server.url, { models });
    const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expect({ code: ended.code, dead: summaryOf(ended).dead }).toEqual({ code: 0, dead: {} });
    expected ??= await undisturbed();
    expect(textsOf(ended)).toEqual(expected);
    await expectNothingLost(dir, 8);
    await server.close();
  });
});

describe('an endpoint that never gets well: the run fails with why, and goes on when it is mended', () => {
  const faults: readonly (readonly [string, Fault, RegExp])[] = [
    ['answers HTML', { kind: 'html', times: 1000 }, /endpoint-malformed/],
    ['answers 503', { kind: 'status', status: 503, times: 1000 }, /status 503.*endpoint-unreachable/],
    ['refuses the key', { kind: 'status', status: 401, times: 1000 }, /is the key right.*endpoint-refused/],
    [
      'answers only drafts',
      { kind: 'close', times: 1000, match: '"messages"' },
      /stage refine: .*endpoint-unreachable/,
    ],
  ];
  test.each(faults)('%s', async (_, fault, message) => {
    const server = await startFakeEndpoint({ faults: [fault] });
    const models = {
      base: endpoint(server.url, 'base', { retries: 0 }),
      instruct: endpoint(server.url, 'instruct', { retries: 0 }),
    };
    const dir = pipelineFolder(server.url, { models });
    const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expectNoStack(ended);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).toContain('records in a row became dead letters');
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 1, stdout: '' });
    await server.close();

    const well = await startFakeEndpoint();
    writeRecipe(dir, well.url);
    const again = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expect({ code: again.code, accepted: summaryOf(again).accepted }).toEqual({ code: 0, accepted: 8 });
    await expectNothingLost(dir, 8);
    await well.close();
  });

  test('a few requests that never succeed: dead letters, and the run completes', async () => {
    const server = await startFakeEndpoint({ faults: [{ kind: 'status', status: 400, share: 0.3, times: 1000 }] });
    const dir = pipelineFolder(server.url);
    const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expect({ code: ended.code, accepted: summaryOf(ended).accepted }).toEqual({ code: 0, accepted: 8 });
    const letters = JSON.parse((await headwater(dir, ['tail', 'dead-letters', '--from', 'earliest', '--json'])).stdout);
    expect(letters).toHaveLength(summaryOf(ended).dead['endpoint-refused'] ?? 0);
    expect(letters.length).toBeGreaterThan(0);
    await expectNothingLost(dir, 8);
    await server.close();
  });
});

/** Starts a run with slow models and waits until it has accepted something. */
async function running(changes: Parameters<typeof pipelineFolder>[1] = {}, args: readonly string[] = []) {
  const server = await startFakeEndpoint({ latencyMs: 30 });
  const models = {
    base: endpoint(server.url, 'base', { retries: 6 }),
    instruct: endpoint(server.url, 'instruct', { retries: 6 }),
  };
  const dir = pipelineFolder(server.url, { models, target: { samples: 60 }, ...changes });
  const run = start(dir, ['run', 'mails.yaml', '--json', ...args]);
  await until(() => server.stats().answered > 20);
  return { server, dir, run };
}

test('an endpoint that goes away in the middle and comes back: nothing is lost', async () => {
  const { server, dir, run } = await running();
  const port = Number(new URL(server.url).port);
  await server.close();
  const back: FakeEndpoint = await startFakeEndpoint({ port });
  const ended = await run.ended;
  expect({ code: ended.code, accepted: summaryOf(ended).accepted }).toEqual({ code: 0, accepted: 60 });
  expect(summaryOf(ended)).toMatchObject({
    endpoints: ['base', 'instruct'].map((role) => ({ role, url: server.url, inFlight: 0, state: 'well' })),
  });
  await expectNothingLost(dir, 60);
  await back.close();
});

describe('Ctrl-C', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s: commits and exits 130; the same command goes on', async (signal) => {
    const { server, dir, run } = await running();
    run.signal(signal);
    const ended = await run.ended;
    expectNoStack(ended);
    expect(ended.stderr).toContain('The same command goes on from here.');
    const { status, accepted } = summaryOf(ended);
    expect({ code: ended.code, status }).toEqual({ code: 130, status: 'stopped' });
    expect(accepted).toBeLessThan(60);
    const again = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expect(summaryOf(again)).toMatchObject({ status: 'complete', accepted: 60, acceptedNow: 60 - accepted });
    await expectNothingLost(dir, 60);
    await server.close();
  });

  test('--samples below what was accepted: done, with what is there', async () => {
    const { server, dir, run } = await running();
    run.signal('SIGINT');
    const { accepted } = summaryOf(await run.ended);
    const again = await headwater(dir, ['run', 'mails.yaml', '--json', '--samples', '1']);
    expect(again.code).toBe(0);
    expect(summaryOf(again)).toMatchObject({ status: 'complete', accepted, target: 1 });
    await expectNothingLost(dir, accepted);
    await server.close();
  });

  test('while models are fetched: 130, with the JSON that was asked for', async () => {
    const server = await startFakeEndpoint();
    const dir = pipelineFolder(server.url);
    const run = start(dir, ['run', 'mails.yaml', '--json'], {
      HEADWATER_MODELS: `${dir}/models`,
      HF_ENDPOINT: 'http://10.255.255.1',
    });
    await run.says(/wordllama/);
    run.signal('SIGINT');
    const ended = await run.ended;
    expect({ code: ended.code, status: summaryOf(ended).status }).toEqual({ code: 130, status: 'stopped' });
    await server.close();
  });
});

describe('folders', () => {
  test('a second run on the same folder is refused with the pid of the first', async () => {
    // So many that the first is still at work when the second has started.
    const { server, dir, run } = await running({ target: { samples: 5000 } });
    const second = await headwater(dir, ['run', 'mails.yaml', '--stages', 'plan,draft']);
    expectNoStack(second);
    expect(second.stderr).toMatch(new RegExp(`process ${run.pid} runs on .*\\[data-in-use\\]`));
    expect(second.code).toBe(2);
    run.signal('SIGINT');
    await run.ended;
    await server.close();
  });

  test('a folder of another recipe is refused with what differs', async () => {
    const { server, dir, run } = await running();
    run.signal('SIGINT');
    await run.ended;
    const other = await headwater(dir, ['run', 'mails.yaml', '--set', 'steps.draft.examples=2', '--set', 'seed=8']);
    expectNoStack(other);
    expect(other.stderr).toContain('seed: 7 there, 8 now');
    expect(other.stderr).toContain('steps.draft.examples: 3 there, 2 now');
    expect(other.code).toBe(2);
    await server.close();
  });

  test('a shard folder of another run is refused, and unharmed', async () => {
    const server = await startFakeEndpoint();
    const dir = pipelineFolder(server.url);
    expect((await headwater(dir, ['run', 'mails.yaml'])).code).toBe(0);
    const other = await headwater(dir, ['run', 'mails.yaml', '--data', 'other', '--set', 'seed=8']);
    expectNoStack(other);
    expect(other.stderr).toMatch(/the shards of another run.*\[data-foreign\]/);
    expect(other.code).toBe(2);
    await expectNothingLost(dir, 8);
    await server.close();
  });

  test('a shard folder that cannot be written is refused before a model is asked', async () => {
    const server = await startFakeEndpoint();
    const dir = pipelineFolder(server.url);
    const ended = await headwater(dir, ['run', 'mails.yaml', '--out', mounted('ro')]);
    expectNoStack(ended);
    expect(ended.stderr).toMatch(/cannot write .*\[store-unwritable\]/);
    expect(ended.code).toBe(2);
    expect(server.stats().requests).toBe(0);
    await server.close();
  });

  test.each([
    ['shards', '--out', 64],
    ['topics', '--data', 1024],
  ])('a full disk under the %s: the run fails, and goes on when there is room', async (_, option, freeKiB) => {
    const server = await startFakeEndpoint();
    const dir = pipelineFolder(server.url, { target: { samples: 150 } });
    const disk = mounted('size=8m');
    const filler = join(disk, 'filler');
    writeFileSync(filler, Buffer.alloc(8 * 2 ** 20 - freeKiB * 1024));
    const ended = await headwater(dir, ['run', 'mails.yaml', option, disk, '--json']);
    // LMDB prints an error of its own before ours.
    expect(ended.stderr).toMatch(/headwater: the disk .*full.*\[store-full\]\n$/);
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 1, stdout: '' });

    rmSync(filler);
    const again = await headwater(dir, ['run', 'mails.yaml', option, disk, '--json']);
    expect({ code: again.code, accepted: summaryOf(again).accepted }).toEqual({ code: 0, accepted: 150 });
    await expectNothingLost(dir, 150, option === '--data' ? disk : undefined);
    await server.close();
  });
});

test('only some stages: they need only their models, and wait for the others until Ctrl-C', async () => {
  const server = await startFakeEndpoint();
  const dir = pipelineFolder(server.url, { models: { instruct: { engine: 'llama', model: './not-needed.gguf' } } });
  const first = start(dir, ['run', 'mails.yaml', '--stages', 'plan,draft']);
  await until(() => server.stats().answered >= 8);
  first.signal('SIGINT');
  expect((await first.ended).code).toBe(130);
  const status = JSON.parse((await headwater(dir, ['status', '--json'])).stdout);
  expect(status.stages.find(({ name }: { name: string }) => name === 'refine').lags[0].lag).toBeGreaterThan(0);
  await server.close();
});

test('on a terminal: a table that redraws itself, then the summary', async () => {
  const server = await startFakeEndpoint();
  const dir = pipelineFolder(server.url);
  const command = `stty rows 40 cols 120; ${[...program, 'run', 'mails.yaml'].join(' ')}`;
  const { code, stdout } = await new HeadwaterProcess(['script', '-qec', command, '/dev/null'], dir, {}).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/stage\s+in flight\s+lag\s+emitted\s+dropped\s+dead/);
  expect(stdout).toMatch(/manifest\s+0\s+0/);
  expect(stdout).toMatch(/endpoint {2}base http:\/\/127\.0\.0\.1:\d+\/v1: limit \d+, \d+ in flight, well/);
  expect(stdout).toContain('\u001b[');
  expect(stdout).toMatch(/accepted {3}8 of 8 \(8 in this run/);
  await server.close();
});
