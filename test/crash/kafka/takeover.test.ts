import { afterAll, beforeAll, expect, it } from 'vitest';

import { startBroker, type TestBroker } from '../../kafka/broker.js';
import { type Life, startLife } from '../life.js';
import { printReport } from '../report.js';
import { type Scene, sessionMs, setScene } from '../scene.js';
import { GroupWatch } from './group-watch.js';
import { lossesOf, readLongRun } from './long-run.js';

/** Rounds of each kind; `HEADWATER_LONG=1` makes 50 of them. */
const rounds = process.env['HEADWATER_LONG'] === undefined ? 3 : 50;
const stages = ['plan', 'draft', 'refine', 'align'];
/** More than are ever made. */
const endless = 1_000_000;
const lanes = 2;

let broker: TestBroker;
let scene: Scene;
let watch: GroupWatch;
const lives: (Life | undefined)[] = [];

beforeAll(async () => {
  broker = await startBroker();
  scene = await setScene({ lanes, transport: { kind: 'kafka', broker }, endpoint: { latencyMs: 150 } });
  watch = await GroupWatch.open(broker.adminBrokers, scene.prefix, stages);
});

afterAll(async () => {
  for (const life of lives) life?.kill('SIGKILL');
  await watch?.close();
  await scene?.close();
  await broker?.stop();
});

it(`hands the partitions of a killed and of a stopped worker over in time, ${rounds} times each`, {
  timeout: (60 + 2 * rounds * 25) * 1000,
}, async () => {
  begin(0);
  begin(1);
  const killed: number[] = [];
  const stopped: number[] = [];
  for (let round = 0; round < rounds; round++) {
    killed.push(await takeover(round % 2, 'SIGKILL', sessionMs + 3000));
    stopped.push(await takeover(round % 2, 'SIGTERM', sessionMs));
  }
  const losses = await endedLosses();
  printReport({ takeoverAfterSIGKILL: statistics(killed), takeoverAfterSIGTERM: statistics(stopped), ...losses });
  expect(losses).toMatchObject({ lost: 0, twice: 0 });
  expect(Math.max(...killed)).toBeLessThan(sessionMs + 3000);
  expect(Math.max(...stopped)).toBeLessThan(2000);
});

function begin(worker: number): void {
  const settings = ['--set', `topics.clientId=worker-${worker}`, '--set', 'shards.rows=50'];
  lives[worker] = startLife(scene, { worker, args: ['--samples', String(endless), ...settings] });
}

/** Ends a worker that holds partitions; resolves with the time until the last of them has a commit of the other one. */
async function takeover(worker: number, signal: 'SIGKILL' | 'SIGTERM', limitMs: number): Promise<number> {
  const life = lives[worker];
  if (life === undefined) throw new Error(`worker ${worker} is not there`);
  await expect
    .poll(async () => (await watch.heldBy(`worker-${worker}`)).length, { timeout: 30_000, interval: 100 })
    .toBeGreaterThanOrEqual(stages.length);
  const held = await watch.heldBy(`worker-${worker}`);
  // That the group gave it a partition is not yet that it works on it.
  await watch.untilCommitted(held, 15_000);
  life.kill(signal);
  // A stopped one still commits what it has, so its time is counted from its end on.
  const from = performance.now();
  const ending = await life.ended;
  expect(ending.signal ?? ending.code, ending.stderr).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 130);
  const ended = performance.now() - from;
  const took = await watch.untilCommitted(held, limitMs + 5000);
  begin(worker);
  return Math.round(ended + Math.max(...took.values()));
}

/** Stops both, lets one reach a target that lies just ahead, and counts. */
async function endedLosses() {
  for (const life of lives) life?.kill('SIGTERM');
  for (const life of lives) expect((await life?.ended)?.code).toBe(130);
  const before = await readLongRun(scene, broker);
  const most = Math.max(...before.samples.map((lane) => lane.length));
  const args = ['--samples', String(lanes * (most + 1)), '--set', 'shards.rows=50'];
  const ending = await startLife(scene, { args }).ended;
  expect(ending.code, ending.stderr).toBe(0);
  const run = await readLongRun(scene, broker);
  expect(run.strays).toEqual([]);
  return lossesOf(run);
}

function statistics(times: readonly number[]) {
  const sorted = times.toSorted((a, b) => a - b);
  return { rounds: times.length, medianMs: sorted[Math.floor(sorted.length / 2)], maxMs: sorted.at(-1) };
}
