import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBroker, type TestBroker } from '../../kafka/broker.js';
import { checkConsistent, checkEqual } from '../check-run.js';
import { startLife } from '../life.js';
import { type RunRead, readRun } from '../read-run.js';
import { sessionMs, setScene } from '../scene.js';
import { runUninterrupted } from '../uninterrupted.js';

const lanes = 2;
/** Where what a worker does next would be done twice, if nothing kept it from it. */
const points = [
  'seeds.append.before#1',
  'real.append.before#1',
  'plan.commit.before#3',
  'journal.draft.append.before#5',
  'draft.commit.before#3',
  'align.commit.before#3',
  'shard.rename.before#2',
  'shard.rename.after#2',
  'shard.commit.before#2',
  'manifest.line.before#2',
  'manifest.line.after#2',
];

let broker: TestBroker;
let uninterrupted: ReadonlyMap<number, RunRead> = new Map();

beforeAll(async () => {
  broker = await startBroker();
  uninterrupted = await runUninterrupted({ kind: 'log' }, [lanes]);
});

afterAll(() => broker?.stop());

describe('a worker that wakes up where another one has its work', () => {
  it.concurrent.each(points)('writes nothing twice, having fallen asleep at %s', async (pauseAt) => {
    const reference = uninterrupted.get(lanes);
    if (reference === undefined) throw new Error('the uninterrupted run failed');
    const scene = await setScene({ lanes, transport: { kind: 'kafka', broker } });
    const sleeper = startLife(scene, { pauseAt });
    const successor = (await sleeper.asleep()) ? startLife(scene, { worker: 1 }) : undefined;
    try {
      expect(successor, 'the point was not passed').toBeDefined();
      // It wakes up while its successor is at work, or has just ended.
      await Promise.race([successor?.ended, delay(sessionMs + 2500)]);
      sleeper.kill('SIGCONT');
      for (const ending of [await sleeper.ended, await successor?.ended]) expect(ending?.code, ending?.stderr).toBe(0);
      const run = await readRun(scene);
      checkConsistent(run);
      checkEqual(run, reference);
    } finally {
      for (const life of [sleeper, successor]) life?.kill('SIGKILL');
      await scene.close();
    }
  });
});
