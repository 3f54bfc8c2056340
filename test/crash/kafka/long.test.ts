import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { startBroker, type TestBroker } from '../../kafka/broker.js';
import { type Life, startLife } from '../life.js';
import { printReport } from '../report.js';
import { type Scene, setScene } from '../scene.js';
import { lossesOf, readLongRun } from './long-run.js';

/** `HEADWATER_LONG_RECORDS=20000`: fewer, where the machine is slow. */
const samples = Number(process.env['HEADWATER_LONG_RECORDS'] ?? 100_000);
const killEveryMs = 10_000;
const workers = 2;

let broker: TestBroker;
let scene: Scene;

beforeAll(async () => {
  broker = await startBroker({ java: [] });
  const transport = { kind: 'kafka', broker } as const;
  scene = await setScene({ lanes: 4, transport, endpoint: { latencyMs: 2 }, inFlight: 64 });
});

afterAll(async () => {
  await scene?.close();
  await broker?.stop();
});

it(`makes ${samples} samples while a worker is killed every ten seconds: none is lost, none is there twice`, {
  timeout: 3_600_000,
}, async () => {
  const started = performance.now();
  const living = new Map<number, Life>();
  let kills = 0;
  const over = new AbortController();
  const all = Array.from({ length: workers }, (_, worker) => run(worker));

  async function run(worker: number): Promise<void> {
    for (;;) {
      const settings = ['--set', 'shards.rows=2000'];
      const args = ['--samples', String(samples), ...settings];
      const life = startLife(scene, { worker, args });
      living.set(worker, life);
      const ending = await life.ended;
      living.delete(worker);
      if (ending.code === 0) return;
      expect(ending.signal, ending.stderr).toBe('SIGKILL');
    }
  }

  const killing = (async () => {
    for (;;) {
      await delay(killEveryMs, undefined, { signal: over.signal });
      living.get(kills % workers)?.kill('SIGKILL');
      kills++;
    }
  })().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });

  try {
    await Promise.race([Promise.all(all), killing]);
  } finally {
    over.abort();
    for (const life of living.values()) life.kill('SIGKILL');
    await Promise.allSettled([...all, killing]);
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  const left = await readLongRun(scene, broker);
  const losses = lossesOf(left);
  const { requests } = await scene.endpoint.stats();
  printReport({ ...losses, kills, seconds, perSecond: Math.round(losses.samples / seconds), requests });
  expect(losses).toMatchObject({ samples, lost: 0, twice: 0 });
  expect(left.strays).toEqual([]);
  const offsets = await broker.consoleConsumer({ topic: `${scene.prefix}.samples`, print: ['offset'], idleMs: 10_000 });
  expect(offsets).toHaveLength(samples);
});
