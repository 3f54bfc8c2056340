import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { openKafka } from '../../streams/kafka/open-kafka.js';
import { readWorkers, type WorkerStatus } from '../../streams/river/workers.js';
import { readAll } from '../../streams/stage/read-all.js';
import type { Topics } from '../../streams/topics.js';
import { type HeadwaterProcess, headwater, start } from '../cli/headwater-process.js';
import { endpoint, pipelineFolder } from '../cli/pipeline-folder.js';
import { startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { startBroker, type TestBroker } from './broker.js';

const partitions = 4;
const rounds = Number(process.env['HEADWATER_TAKEOVERS'] ?? 6);
/** Of one supervisor: the pause before it starts a worker again grows with each death of the same one. */
const killsEach = 2;
/** What the stages of a lane write while samples flow. */
const flowing = ['plans', 'drafts', 'refined', 'samples'];
const mostTakeoverMs = 5000;

let broker: TestBroker;

beforeAll(async () => {
  await pull('wordllama-256');
  broker = await startBroker();
}, 120_000);

afterAll(() => broker?.stop());

/** A pipeline on the broker under a prefix of its own, and its topics. */
async function pipeline(changes: Readonly<Record<string, unknown>> = {}, latencyMs = 20) {
  const server = await startFakeEndpoint({ latencyMs });
  const prefix = `workers-${randomUUID()}`;
  const dir = pipelineFolder(server.url, {
    models: {
      base: endpoint(server.url, 'base', { retries: 4 }),
      instruct: endpoint(server.url, 'instruct', { retries: 4 }),
    },
    topics: { kind: 'kafka', brokers: broker.brokers, prefix, partitions },
    ...changes,
  });
  const topics = await openKafka({ brokers: broker.brokers, prefix, clientId: 'test' });
  onTestFinished(async () => {
    await topics.close();
    await server.close();
  });
  return { server, dir, topics };
}

/** The answer of the supervisor's `/readyz`; undefined where nobody answers. */
async function readiness(run: HeadwaterProcess): Promise<string | undefined> {
  const [, url = ''] = /Health of the workers: (\S+)/.exec(run.stderr) ?? [];
  const response = await fetch(url).catch(() => undefined);
  const body: unknown = await response?.json();
  if (response?.status === 200) return 'ready';
  return typeof body === 'object' && body !== null ? String(Reflect.get(body, 'reason')) : undefined;
}

async function until(check: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Workers that hold partitions of every stage that writes. */
async function workersAtWork(topics: Topics): Promise<readonly WorkerStatus[]> {
  const workers = await readWorkers(topics, Date.now());
  const holds = (worker: WorkerStatus) =>
    worker.stages.filter(({ partitions: held }) => held.some(({ state }) => state === 'running')).length >= 4;
  return workers.filter((worker) => worker.silentSince === null && holds(worker));
}

/** Milliseconds from a moment to the next message of a partition; undefined where there is none yet. */
async function waited(topics: Topics, topic: string, partition: number, from: number, after: number) {
  for await (const { timestamp } of readAll(topics, topic, partition, from))
    if (timestamp > after) return timestamp - after;
  return undefined;
}

/** Kills a worker, and measures how long each of its partitions stands still. */
async function takeovers(topics: Topics, victim: WorkerStatus): Promise<readonly number[]> {
  const stages = new Map(victim.stages.map(({ name, partitions: held }) => [name, held]));
  const places = [
    ['plan', 'plans'],
    ['draft', 'drafts'],
    ['refine', 'refined'],
    ['align', 'samples'],
  ].flatMap(([stage = '', topic = '']) => (stages.get(stage) ?? []).map(({ partition }) => ({ topic, partition })));
  const ends = new Map<string, number>();
  for (const topic of flowing) {
    for (const [partition, { high }] of (await topics.offsets(topic)).entries())
      ends.set(`${topic}/${partition}`, high);
  }
  const killed = Date.now();
  process.kill(victim.pid, 'SIGKILL');
  return Promise.all(
    places.map(async ({ topic, partition }) => {
      let took: number | undefined;
      const from = ends.get(`${topic}/${partition}`) ?? 0;
      await until(async () => {
        took = await waited(topics, topic, partition, from, killed);
        return took !== undefined;
      });
      return took ?? Number.POSITIVE_INFINITY;
    }),
  );
}

/** Two workers at work without end, and who supervises them. */
async function begun(dir: string, topics: Topics): Promise<HeadwaterProcess> {
  const run = start(dir, ['run', 'mails.yaml', '--workers', '2', '--health', '0', '--json']);
  await run.says(/Health of the workers/);
  await until(async () => (await readiness(run)) === 'ready' && (await workersAtWork(topics)).length === 2);
  return run;
}

/** The samples on their topic: as many as were accepted, each once. */
async function expectSamples(topics: Topics, accepted: number): Promise<void> {
  const ids: string[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    for await (const { value } of readAll(topics, 'samples', partition)) {
      const record = JSON.parse(Buffer.from(value ?? []).toString('utf8'));
      if (record.kind === 'sample') ids.push(record.id);
    }
  }
  expect(ids).toHaveLength(accepted);
  expect(new Set(ids).size).toBe(accepted);
}

/** The same in the shards. */
async function expectExact(dir: string, topics: Topics, accepted: number): Promise<void> {
  await expectSamples(topics, accepted);
  const verified = await headwater(dir, ['shards', 'verify', '--json']);
  expect(JSON.parse(verified.stdout)).toMatchObject({ rows: accepted, findings: [] });
}

test('workers that are killed are replaced within seconds, and nothing is lost or made twice', {
  timeout: 300_000,
}, async () => {
  const { dir, topics } = await pipeline({ target: { endless: true }, shards: { rows: 50 } });
  let run = await begun(dir, topics);

  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && round % killsEach === 0) {
      run.signal('SIGINT');
      expect((await run.ended).code).toBe(130);
      run = await begun(dir, topics);
    }
    // The one that has lived longest: each of them once.
    const [victim] = await workersAtWork(topics);
    if (victim === undefined) throw new Error('no worker is at work');
    times.push(...(await takeovers(topics, victim)));
    await until(async () => {
      const others = await workersAtWork(topics);
      return others.length === 2 && others.every(({ pid }) => pid !== victim.pid) && (await readiness(run)) === 'ready';
    });
  }
  expect(run.stderr).toMatch(/worker [12] ended by SIGKILL; it is started again in \d+\.0 s/);
  times.sort((a, b) => a - b);
  const p50 = times[Math.floor(times.length / 2)];
  const most = times.at(-1);
  process.stdout.write(`takeover of ${times.length} partitions in ${rounds} kills: p50 ${p50} ms, max ${most} ms\n`);
  expect(most).toBeLessThan(mostTakeoverMs);

  const status = JSON.parse((await headwater(dir, ['status', '--json'])).stdout);
  expect(status.workers).toHaveLength(2);
  const held = status.stages.find(({ name }: { name: string }) => name === 'draft').partitions;
  expect(held.map(({ worker }: { worker: string | null }) => worker)).not.toContain(null);

  const stopped = performance.now();
  run.signal('SIGINT');
  const ended = await run.ended;
  process.stdout.write(`Ctrl-C: all workers were done after ${Math.round(performance.now() - stopped)} ms\n`);
  const { status: how, accepted } = JSON.parse(ended.stdout);
  expect({ code: ended.code, how }).toEqual({ code: 130, how: 'stopped' });
  expect(await readWorkers(topics, Date.now())).toEqual([]);
  // Of workers that stop together, one may close its shards after the manifest's worker has ended: the next run lists them.
  await expectSamples(topics, accepted);

  const more = await headwater(dir, [
    'run',
    'mails.yaml',
    '--workers',
    '2',
    '--samples',
    String(accepted + 40),
    '--json',
  ]);
  expect({ code: more.code, ...JSON.parse(more.stdout) }).toMatchObject({ code: 0, status: 'complete' });
  await expectExact(dir, topics, JSON.parse(more.stdout).accepted);
});

test('prints samples, and ends with 0 when the target is reached; the next start finds all done', async () => {
  const { dir } = await pipeline({ target: { samples: 12 } }, 0);
  const run = await headwater(dir, ['run', 'mails.yaml', '--workers', '2', '--print']);
  expect(run.code).toBe(0);
  expect(run.stdout.match(/^subject: The /gm)).toHaveLength(12);
  expect(run.stdout).toMatch(/accepted {3}12 of 12 \(12 in this run/);
  const again = await headwater(dir, ['run', 'mails.yaml', '--workers', '2']);
  expect(again.stderr).toContain('The target was reached before.');
  expect(again.code).toBe(0);
});

test('a worker whose input is wrong ends all of them with what it says', async () => {
  const { dir, topics } = await pipeline({ target: { endless: true } });
  const other = start(dir, ['run', 'mails.yaml', '--data', join('.headwater', 'worker-2')]);
  await until(async () => (await workersAtWork(topics)).length === 1);
  const run = await headwater(dir, ['run', 'mails.yaml', '--workers', '2']);
  expect(run.stderr).toMatch(/headwater: .*process \d+ runs on .*worker-2.*\[data-in-use\]\n$/);
  expect(run.code).toBe(2);
  other.signal('SIGINT');
  expect((await other.ended).code).toBe(130);
});

test('workers stop when their supervisor is killed', async () => {
  const { dir, topics } = await pipeline({ target: { endless: true } });
  const run = start(dir, ['run', 'mails.yaml', '--workers', '2']);
  await until(async () => (await workersAtWork(topics)).length === 2);
  run.signal('SIGKILL');
  await run.ended;
  await until(async () => (await readWorkers(topics, Date.now())).length === 0);
});

test.each([
  [
    'the embedded log',
    ['--set', 'topics={kind: log}', '--workers', '2'],
    /--workers: the embedded log is for one process/,
  ],
  ['no number', ['--workers', '0'], /expected a whole number from 1/],
  ['a port that is no port', ['--health', 'http'], /--health: expected a port or host:port/],
])('refuses %s', async (_, args, message) => {
  const { dir } = await pipeline();
  const run = await headwater(dir, ['run', 'mails.yaml', ...args]);
  expect(run.stderr).toMatch(message);
  expect(run.stderr).not.toMatch(/^\s+at /m);
  expect(run.code).toBe(2);
});
