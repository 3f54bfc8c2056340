import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { map } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';

import { parseJson } from '../../../schemas/codec.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import { type WorkerReport, workerReport } from '../../../schemas/worker-report.js';
import { openLog } from '../../../streams/log/open-log.js';
import { WorkerReports, type WorkerReportsOptions } from '../../../streams/river/worker-reports.js';
import { WorkerState } from '../../../streams/river/worker-state.js';
import { readWorkers, workerGone, workersTopic } from '../../../streams/river/workers.js';
import { runStage } from '../../../streams/stage/run-stage.js';
import type { Message, Topics } from '../../../streams/topics.js';
import { copied, documents, later, put, stageLog, stageOf, turns } from '../stage/stage-log.js';

const minute = 60_000;

async function log(): Promise<Topics> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-workers-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  return topics;
}

/** Reports at a rate at which no interval ends within a test, unless `everyMs` says so. */
function reporting(topics: Pick<Topics, 'append'>, state: WorkerState, changes: Partial<WorkerReportsOptions> = {}) {
  const reports = new WorkerReports({ topics, state, everyMs: minute, soonMs: 1, ...changes });
  onTestFinished(() => reports.stop());
  return reports;
}

/** Looks until what is there is as expected; the test's own time limit ends it. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const until = performance.now() + 10_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > until) throw error;
      await turns(5);
    }
  }
}

describe('a worker', () => {
  it('tells how the endpoints do that it asks, where it asks some', async () => {
    const topics = await log();
    await topics.ensure([workersTopic]);
    const state = new WorkerState();
    const endpoint = { role: 'base', url: 'http://10.0.0.1/v1', limit: 32, inFlight: 12, state: 'well' as const };
    reporting(topics, state);
    await eventually(async () => expect((await readWorkers(topics, Date.now()))[0]?.worker).toBeDefined());
    expect((await readWorkers(topics, Date.now()))[0]?.endpoints).toBeUndefined();
    state.endpoints = () => [endpoint];
    state.changed();
    await eventually(async () => expect((await readWorkers(topics, Date.now()))[0]?.endpoints).toEqual([endpoint]));
  });

  it('tells what it holds from its first moment on, and takes its report away at its end', async () => {
    const { topics } = await stageLog(2);
    await topics.ensure([workersTopic]);
    const state = new WorkerState();
    const reports = reporting(topics, state);
    await eventually(async () => {
      const [worker] = await readWorkers(topics, Date.now());
      expect(worker).toMatchObject({ worker: reports.worker, pid: process.pid, state: 'starting', stages: [] });
    });

    await put(topics, 'from', documents(3));
    const run = await runStage({
      stage: stageOf(() => map(copied)),
      topics,
      committed: reports.committed,
      held: state.changed,
    });
    state.begin([run]);
    await eventually(async () => {
      const [worker] = await readWorkers(topics, Date.now());
      expect(worker).toMatchObject({ state: 'running', silentSince: null });
      expect(worker?.stages).toMatchObject([
        { name: run.name, partitions: [0, 1].map((partition) => ({ partition, state: 'running', restored: null })) },
      ]);
      expect(worker?.stages[0]?.partitions[0]?.restoreMs).toBeGreaterThanOrEqual(0);
    });

    state.drain();
    run.drain();
    await run.done;
    await eventually(async () => {
      expect(await readWorkers(topics, Date.now())).toMatchObject([
        { state: 'draining', stages: [{ partitions: [] }] },
      ]);
    });
    await reports.stop();
    expect(await readWorkers(topics, Date.now())).toEqual([]);
  });

  it('counts what was committed in an interval, by stage and partition', async () => {
    let at = 1000;
    const told: WorkerReport[] = [];
    const recorder = {
      append: async (messages: readonly Message[]) => {
        for (const { value } of messages) if (value !== null) told.push(workerReport.parse(parseJson(value)));
        return [];
      },
    };
    const state = new WorkerState();
    const holdings = [0, 1].map((partition) => ({ partition, restoreMs: 7.4, restoring: null }));
    state.begin([{ name: 'draft', done: new Promise(() => undefined), inFlight: 5, holdings }]);
    const outcomes = documents(30).map(copied);
    const reports = reporting(recorder, state, { everyMs: 20, now: () => at });
    at += 10_000;
    reports.committed({ stage: 'draft', partition: 0, outcomes });
    reports.committed({ stage: 'draft', partition: 1, outcomes: outcomes.slice(0, 20) });
    await eventually(async () => expect(told.length).toBeGreaterThanOrEqual(3));
    const of = (report: WorkerReport | undefined) => report?.stages[0];
    expect(of(told[0])).toMatchObject({ name: 'draft', inFlight: 5, recordsPerSecond: 0 });
    expect(of(told[1])).toMatchObject({
      recordsPerSecond: 5,
      partitions: [
        { partition: 0, recordsPerSecond: 3, restoreMs: 7 },
        { partition: 1, recordsPerSecond: 2 },
      ],
    });
    expect(of(told[2])).toMatchObject({ recordsPerSecond: 0 });
  });

  it('says how far a memory has come back', async () => {
    const { topics } = await stageLog(1);
    await topics.ensure([workersTopic]);
    const encode = (text: string) => new TextEncoder().encode(text);
    const entries = Array.from({ length: 2500 }, (_, n): Message => {
      return { topic: 'state.tested', partition: 0, key: `key ${n}`, value: encode(String(n)) };
    });
    await topics.append(entries);
    const state = new WorkerState();
    const reading = later();
    const go = later();
    const slow: Topics = {
      ...bound(topics),
      read: async (topic, partition, from, bounds) => {
        const batch = await topics.read(topic, partition, from, bounds);
        if (topic === 'state.tested' && from > 0) {
          reading.resolve();
          await go.promise;
        }
        return batch;
      },
    };
    reporting(topics, state);
    const run = await runStage({ stage: stageOf(() => map(copied)), topics: slow, held: state.changed });
    state.begin([run]);
    await reading.promise;
    expect(state.obstacle).toBe('restoring tested/0 (1000 of 2500)');
    await eventually(async () => {
      const [worker] = await readWorkers(topics, Date.now());
      expect(worker?.stages[0]?.partitions).toMatchObject([
        { partition: 0, state: 'restoring', restoreMs: null, restored: 1000, restoreTotal: 2500 },
      ]);
    });
    go.resolve();
    await eventually(async () => expect(state.obstacle).toBeUndefined());
    run.drain();
    await run.done;
  });

  it('tells of a broker that is away when it is back, and piles nothing up meanwhile', async () => {
    const topics = await log();
    await topics.ensure([workersTopic]);
    const away = later();
    let waiting = 0;
    let most = 0;
    let written = 0;
    const broker = {
      append: async (messages: readonly Message[]) => {
        most = Math.max(most, ++waiting);
        await away.promise;
        waiting--;
        written++;
        return topics.append(messages);
      },
    };
    const state = new WorkerState();
    reporting(broker, state, { everyMs: 1 });
    state.brokerChanged({ kind: 'waiting', since: 0, reason: 'gone' });
    expect(state.obstacle).toBe('waiting for broker: gone');
    for (let change = 0; change < 50; change++) {
      state.brokerChanged({ kind: 'waiting', since: 0, reason: 'gone' });
      await turns(1);
    }
    expect({ most, written }).toEqual({ most: 1, written: 0 });
    away.resolve();
    await eventually(async () => expect((await readWorkers(topics, Date.now()))[0]?.state).toBe('waiting for broker'));
  });

  it('works on where reports cannot be written, and ends soon where nobody answers', async () => {
    let tried = 0;
    const failing = {
      append: async () => {
        tried++;
        throw new HeadwaterError('topic-unknown', 'there is none');
      },
    };
    const state = new WorkerState();
    const reports = reporting(failing, state);
    await eventually(async () => expect(tried).toBe(1));
    state.drain();
    await eventually(async () => expect(tried).toBe(2));
    await reports.stop();

    const mute = reporting({ append: () => new Promise<readonly number[]>(() => undefined) }, new WorkerState());
    const started = performance.now();
    await mute.stop();
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('readWorkers', () => {
  it('knows who is silent, who ended, and who is long gone', async () => {
    const topics = await log();
    expect(await readWorkers(topics, 0)).toEqual([]);
    await topics.ensure([workersTopic]);
    const report = (worker: string, at: number) => ({
      ...workerGone(worker),
      value: new TextEncoder().encode(
        JSON.stringify({ worker, host: 'h', pid: 1, startedAt: 0, at, everyMs: 5000, state: 'running', stages: [] }),
      ),
    });
    const now = 2 * 24 * 60 * minute;
    await topics.append([
      report('silent', now - 15_001),
      report('alive', now - 15_000),
      report('forgotten', now - 24 * 60 * minute),
      report('ended', now),
      { ...workerGone('strange'), value: new TextEncoder().encode('{') },
    ]);
    await topics.append([workerGone('ended')]);
    const found = (await readWorkers(topics, now)).map(({ worker, silentSince }) => ({ worker, silentSince }));
    expect(found).toEqual([
      { worker: 'alive', silentSince: null },
      { worker: 'silent', silentSince: now - 15_001 },
    ]);
  });
});

/** Topics whose methods may be taken from them. */
function bound(topics: Topics): Topics {
  return {
    kind: topics.kind,
    limits: topics.limits,
    ensure: (specs) => topics.ensure(specs),
    list: () => topics.list(),
    offsets: (topic) => topics.offsets(topic),
    read: (...place) => topics.read(...place),
    append: (messages) => topics.append(messages),
    appendAfter: (lock, decide) => topics.appendAfter(lock, decide),
    committed: (group) => topics.committed(group),
    join: (options) => topics.join(options),
    close: () => topics.close(),
  };
}
