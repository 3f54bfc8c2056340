import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { from } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';

import { statusLines } from '../../../cli/run/render-status.js';
import type { EmbeddedReal } from '../../../operators/synalign/embedded-real.js';
import { mergedMmd } from '../../../operators/synalign/mmd/merged-mmd.js';
import { rollingMmd } from '../../../operators/synalign/mmd/rolling-mmd.js';
import { sampleOf } from '../../../operators/synalign/sample-of.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import type { Correction } from '../../../schemas/correction.js';
import { recordId } from '../../../schemas/ids.js';
import { recipe as recipeSchema } from '../../../schemas/recipe.js';
import type { WorkerReport } from '../../../schemas/worker-report.js';
import { openLog } from '../../../streams/log/open-log.js';
import { recordMessage } from '../../../streams/record-message.js';
import { idleParts } from '../../../streams/river/parts.js';
import { riverStatus } from '../../../streams/river/river-status.js';
import { stagesOf } from '../../../streams/river/stages.js';
import { topicsOf } from '../../../streams/river/topics-of.js';
import { workerGone, workersTopic } from '../../../streams/river/workers.js';
import { stateTopic } from '../../../streams/stage/stage.js';
import { changelog } from '../../../streams/stage/task-memory.js';
import type { Topics } from '../../../streams/topics.js';
import { memoryAfter, outcomesOf } from '../../operators/flow/operator-contract.js';
import { realRecord, refinedRecord } from '../../operators/flow/records.js';
import { unit } from '../../operators/synalign/hashing-embedder.js';
import { examples } from '../../schemas/examples.js';

const recipe = recipeSchema.parse({
  name: 'notes',
  domain: { about: 'notes', fields: { text: {} } },
  inputs: { seeds: 'seeds.jsonl' },
  models: { base: { engine: 'openai', url: 'http://127.0.0.1:1/v1', model: 'base' } },
  target: { samples: 1 },
  topics: { partitions: 2 },
});

async function opened(): Promise<Topics> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-status-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  await topics.ensure([...topicsOf(recipe, stagesOf(recipe, idleParts)), workersTopic]);
  return topics;
}

it('tells who holds what, and what is left in each partition', async () => {
  const topics = await opened();
  const now = 100_000;
  const report = (worker: string, at: number, partitions: WorkerReport['stages'][number]['partitions']) => {
    const stages = [{ name: 'draft', inFlight: 1, recordsPerSecond: 4, partitions }];
    const told: WorkerReport = {
      ...{ worker, host: 'h', pid: 1, startedAt: 0, at, everyMs: 5000, state: 'running', stages },
    };
    return { ...workerGone(worker), value: new TextEncoder().encode(JSON.stringify(told)) };
  };
  const working = { state: 'running', restoreMs: 9, restored: null, restoreTotal: null, recordsPerSecond: 4 } as const;
  const restoring = { state: 'restoring', restoreMs: null, restored: 3, restoreTotal: 8, recordsPerSecond: 0 } as const;
  await topics.append([
    report('old', now - 4000, [{ partition: 0, ...working, recordsPerSecond: 99 }]),
    report('new', now - 1000, [{ partition: 0, ...working }]),
    report('gone', now - 60_000, [{ partition: 1, ...working }]),
  ]);
  const plan = (lane: number) => recordMessage('plans', lane, { ...examples.plan, lane });
  await topics.append([plan(0), plan(1), plan(1)]);

  const before = await riverStatus(recipe, topics, now);
  const stage = before.stages.find(({ name }) => name === 'draft');
  expect(stage?.lags).toEqual([
    { topic: 'plans', partition: 0, lag: 1 },
    { topic: 'plans', partition: 1, lag: 2 },
  ]);
  expect(stage).toMatchObject({
    recordsPerSecond: 4,
    partitions: [
      { partition: 0, worker: 'new', lag: 1, ...working },
      { partition: 1, worker: null, state: null, lag: 2 },
    ],
  });
  expect(before.workers.map(({ worker, silentSince }) => [worker, silentSince])).toEqual([
    ['old', null],
    ['new', null],
    ['gone', now - 60_000],
  ]);

  await topics.append([report('third', now, [{ partition: 1, ...restoring }])]);
  const lines = statusLines('notes', await riverStatus(recipe, topics, now));
  expect(lines).toContain('draft       lag 3, 4/s, emitted 0, absorbed 0');
  expect(lines).toContain('            new: 0 (lag 1)');
  expect(lines).toContain('            third: 1 (restoring 3 of 8, lag 2)');
  expect(lines).toContain('            held by nobody: 0, 1');
  expect(lines).toContain('workers     3 alive, 1 silent');
  expect(lines).toContain('            third: running, draft 1, 4.0/s');
  expect(lines).toContain(`            gone: silent since ${new Date(now - 60_000).toISOString()}`);
});

it('compares the windows of all lanes as one', async () => {
  const topics = await opened();
  const memoryOf = async (lane: number) => {
    const embedder = { id: 'test', dimensions: 3 };
    const operator = rollingMmd({ embedder, lane, memory: new Map(), seed: recipe.seed, window: 8, every: 1 });
    const vector = (n: number) => unit(Float32Array.from([1, n % 5, lane]));
    const pairs = Array.from({ length: 12 }, (_, n): readonly (AnyRecord | EmbeddedReal)[] => [
      { kind: 'embedded-real', real: realRecord(n), embedding: vector(n) },
      sampleOf(refinedRecord(n + 1), vector(n + 2)),
    ]);
    const outcomes = await outcomesOf(operator, from(pairs.flat()));
    const made = outcomes.flatMap((each) => (each.kind === 'emitted' ? each.outputs : []));
    const corrections = made.filter((record): record is Correction => record.kind === 'correction');
    return { memory: [...memoryAfter(outcomes)], corrections: corrections.slice(-1) };
  };
  const lanes = await Promise.all([memoryOf(0), memoryOf(1)]);
  await topics.append(
    lanes.flatMap(({ memory, corrections }, lane) => [
      ...changelog(stateTopic('align'), lane, [memory.map(([key, value]) => [`mmd/${key}`, value])]),
      ...corrections.map((record) => recordMessage('corrections', lane, record)),
    ]),
  );
  const status = await riverStatus(recipe, topics);
  const expected = mergedMmd({ memories: lanes.map(({ memory }) => new Map(memory)), seed: recipe.seed });
  expect(status.merged).toMatchObject({ ...expected, synthetic: { size: 16 }, real: { size: 16, seen: 24 } });
  const each = lanes.map(({ corrections: [last] }) => last?.mmd2);
  expect(status.merged?.lanes.map(({ mmd2 }) => mmd2)).toEqual(each);
  const text = each.map((mmd2) => mmd2?.toFixed(4)).join(', ');
  expect(statusLines('notes', status)).toContain(
    `MMD²        ${expected?.mmd2.toFixed(4)} over 16 samples and 16 real records; by lane ${text}`,
  );
});

it('tells the newest correction of a lane by its place, as samples do not come in the order of their times', async () => {
  const topics = await opened();
  expect((await riverStatus(recipe, topics)).correction).toBeNull();
  const corrections = [correction(0, 8, 5), correction(0, 16, 3), correction(1, 8, 2)];
  await topics.append(corrections.map((made) => recordMessage('corrections', made.lane, made)));
  expect((await riverStatus(recipe, topics)).correction).toEqual(corrections[1]);
});

function correction(lane: number, accepted: number, at: number): Correction {
  return {
    kind: 'correction',
    id: recordId('correction', lane, accepted),
    lane,
    accepted,
    mmd2: 0.1,
    bandwidth: 1,
    frequencies: 16,
    embedder: 'none',
    synthetic: { size: 8, firstOrdinal: 0, lastOrdinal: 7 },
    real: { size: 8, seen: 8 },
    at,
  };
}
