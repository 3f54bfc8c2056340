import { afterAll, beforeAll, expect, it } from 'vitest';

import { startBroker, type TestBroker } from '../../kafka/broker.js';
import { type Life, startLife } from '../life.js';
import { printReport } from '../report.js';
import { type Scene, sessionMs, setScene } from '../scene.js';
import { GroupWatch } from './group-watch.js';
import { lossesOf, readLongRun } from './long-run.js';

/** `HEADWATER_LONG=1` makes 50 kills. */
const kills = process.env['HEADWATER_LONG'] === undefined ? 2 : 50;
const stops = process.env['HEADWATER_LONG'] === undefined ? 2 : 10;
const stages = ['plan', 'draft', 'refine', 'align'];
/** More than are ever made. */
const endless = 1_000_000;
const lanes = 2;
/** What is longer than that does not end. */
const longestMs = 60_000;

let broker: TestBroker;
let scene: Scene;
let watch: GroupWatch;
const lives: (Life | undefined)[] = [];
/** Milliseconds of each round. */
const killed: number[] = [];
const stopped: number[] = [];
/** Of workers that ended by themselves. */
const failures: string[] = [];

beforeAll(async () => {
  broker = await startBroker();
  scene = await setScene({ lanes, transport: { kind: 'kafka', broker }, endpoint: { latencyMs: 150 } });
  watch = await GroupWatch.open(broker.adminBrokers, scene.prefix, stages);
});

afterAll(async () => {
  printReport({ takeoverAfterSIGKILL: statistics(killed), takeoverAfterSIGTERM: statistics(stopped) });
  for (const life of lives) life?.kill('SIGKILL');
  await watch?.close();
  await scene?.close();
  await broker?.stop();
});

it(`hands the partitions of a killed and of a stopped worker over in time, ${kills} and ${stops} times`, {
  timeout: (60 + (kills + stops) * 25) * 1000,
}, async () => {
  begin(0);
  begin(1);
  for (let round = 0; round < kills; round++) {
    killed.push(await takeover(round % 2, 'SIGKILL'));
    if (round < stops) stopped.push(await takeover(round % 2, 'SIGTERM'));
  }
  const losses = await endedLosses();
  printReport({ ...losses });
  expect(losses).toMatchObject({ lost: 0, twice: 0 });
  expect(Math.max(...killed)).toBeLessThan(sessionMs + 3000);
  expect(Math.max(...stopped)).toBeLessThan(2000);
});

function begin(worker: number): void {
  const settings = ['--set', `topics.clientId=worker-${worker}`, '--set', 'shards.rows=50'];
  const life = startLife(scene, { worker, args: ['--samples', String(endless), ...settings] });
  lives[worker] = life;
  life.ended.then(({ code, signal, stderr }) => {
    if (code !== null && code !== 130) failures.push(`worker ${worker} ended with ${code ?? signal}:\n${stderr}`);
  });
}

/** Ends a worker that holds partitions; resolves with the time until the last of them has a commit of the other one. */
async function takeover(worker: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<number> {
  const life = lives[worker];
  if (life === undefined) throw new Error(`worker ${worker} is not there`);
  const held = await partitionsOf(worker);
  // That the group gave it a partition is not yet that it works on it.
  await watch.untilTaken(held, `worker-${worker}`, longestMs);
  life.kill(signal);
  const taken = watch.untilTaken(held, `worker-${1 - worker}`, longestMs);
  taken.catch(() => undefined);
  const ending = await life.ended;
  expect(ending.signal ?? ending.code, ending.stderr).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 130);
  const times = await taken;
  begin(worker);
  return Math.round(Math.max(...times.values()));
}

/** When it has as many as the other one. */
async function partitionsOf(worker: number): Promise<readonly string[]> {
  const held = () => watch.heldBy(`worker-${worker}`);
  const found = async () => (failures.length > 0 ? failures.join('\n') : (await held()).length);
  await expect.poll(found, { timeout: longestMs, interval: 100 }).toBe(stages.length);
  return held();
}

/** Stops both, lets one reach a target that lies just ahead, and counts. */
async function endedLosses() {
  await Promise.all([partitionsOf(0), partitionsOf(1)]);
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
  return {
    rounds: times.length,
    medianMs: sorted[Math.floor(sorted.length / 2)],
    maxMs: sorted.at(-1),
    times: sorted.join(' '),
  };
}
