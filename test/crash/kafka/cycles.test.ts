import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBroker, type TestBroker } from '../../kafka/broker.js';
import { type CycleCounts, runCycle } from '../cycle.js';
import { ordealOf } from '../faults.js';
import type { RunRead } from '../read-run.js';
import { printReport, reportOf, seedsToRun } from '../report.js';
import type { Scene, Transport } from '../scene.js';
import { runUninterrupted } from '../uninterrupted.js';
import { BrokerRestarts } from './broker-restarts.js';

const cycles: CycleCounts[] = [];
const seeds = seedsToRun(20);
let broker: TestBroker;
let transport: Transport;
let uninterrupted: ReadonlyMap<number, RunRead> = new Map();

beforeAll(async () => {
  broker = await startBroker();
  transport = { kind: 'kafka', broker };
  // On the log: what a pipeline makes does not depend on what it runs on.
  const lanes = seeds.map((seed) => ordealOf(seed, transport.kind).lanes);
  uninterrupted = await runUninterrupted({ kind: 'log' }, lanes);
});

describe('a pipeline on Kafka whose workers are killed and put to sleep, and whose broker is', () => {
  it.concurrent.each(seeds)('does what an uninterrupted one does: seed %i', async (seed) => {
    const check = seed % 6 === 0 ? isWhatJavaReads : undefined;
    const counts = await runCycle({ seed, transport, uninterrupted, limitMs: 240_000, ...(check && { check }) });
    cycles.push(counts);
  });
});

afterAll(async () => {
  const report = reportOf(cycles);
  const restarts = broker === undefined ? 0 : BrokerRestarts.of(broker).count;
  printReport({
    ...report,
    brokerRestarts: restarts,
    seconds: cycles.map(({ seed, seconds }) => [seed, seconds]).join(' '),
  });
  await broker?.stop();
  // So that a change of the points or of the recipe cannot quietly make this suite do less.
  if (seeds.length >= 20) expect(report.faults).toBeGreaterThanOrEqual(35);
});

/** Kafka's own console consumer, in Java, must read the samples that the manifest counts, each once. */
async function isWhatJavaReads({ prefix }: Scene, { shards, samples }: RunRead): Promise<void> {
  const topic = `${prefix}.samples`;
  const read = (idleMs: number) => {
    return BrokerRestarts.of(broker).whileUp(() =>
      broker.consoleConsumer({ topic, isolationLevel: 'read_committed', idleMs }),
    );
  };
  // Beside many workers Java may take longer than that to read its first record.
  const soon = await read(5000);
  const lines = soon.length > 0 ? soon : await read(30_000);
  const records: readonly { readonly kind: string; readonly id: string }[] = lines.map((line) => JSON.parse(line));
  const ids = records.filter(({ kind }) => kind === 'sample').map(({ id }) => id);
  expect(ids.toSorted()).toEqual(
    samples
      .flat()
      .map(({ id }) => id)
      .toSorted(),
  );
  expect(ids).toHaveLength(shards.reduce((sum, { rows }) => sum + rows.length, 0));
}
