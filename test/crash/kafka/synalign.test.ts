import { afterAll, beforeAll, expect, it } from 'vitest';

import { startBroker, type TestBroker } from '../../kafka/broker.js';
import { checkCorrections } from '../check-run.js';
import { runCycle } from '../cycle.js';
import { ordealOf } from '../faults.js';
import type { RunRead } from '../read-run.js';
import { seedsToRun } from '../report.js';
import { runUninterrupted } from '../uninterrupted.js';

const method = 'synalign';
const seeds = seedsToRun(3);
let broker: TestBroker;
let uninterrupted: ReadonlyMap<number, RunRead> = new Map();

beforeAll(async () => {
  broker = await startBroker();
  // On the log: what a pipeline makes does not depend on what it runs on.
  const lanes = seeds.map((seed) => ordealOf(seed, 'kafka', method).lanes);
  uninterrupted = await runUninterrupted({ kind: 'log' }, lanes, method);
});

it.concurrent.each(seeds)(
  'T34 on Kafka killed workers make the plans, weights and corrections of the log: seed %i',
  async (seed) => {
    const transport = { kind: 'kafka', broker } as const;
    const check = async (_: unknown, run: RunRead, reference: RunRead) => checkCorrections(run, reference);
    const { faults } = await runCycle({ seed, transport, method, uninterrupted, limitMs: 240_000, check });
    expect(faults.length).toBeGreaterThanOrEqual(1);
  },
);

afterAll(() => broker?.stop());
