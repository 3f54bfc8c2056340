import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CycleCounts, runCycle } from './cycle.js';
import { ordealOf } from './faults.js';
import type { RunRead } from './read-run.js';
import { printReport, reportOf, seedsToRun } from './report.js';
import { runUninterrupted } from './uninterrupted.js';

const transport = { kind: 'log' } as const;
const cycles: CycleCounts[] = [];
const seeds = seedsToRun(24);
let uninterrupted: ReadonlyMap<number, RunRead> = new Map();

beforeAll(async () => {
  const lanes = seeds.map((seed) => ordealOf(seed, transport.kind).lanes);
  uninterrupted = await runUninterrupted(transport, lanes);
}, 60_000);

describe('a pipeline that is killed again and again', () => {
  it.concurrent.each(seeds)('does what an uninterrupted one does: seed %i', async (seed) => {
    const counts = await runCycle({ seed, transport, uninterrupted, limitMs: 110_000 });
    cycles.push(counts);
    expect(counts.askedAgain).toBe(0);
  });
});

afterAll(() => {
  const report = reportOf(cycles);
  printReport(report);
  // So that a change of the points or of the recipe cannot quietly make this suite kill less.
  if (seeds.length >= 24) expect(report.faults).toBeGreaterThanOrEqual(66);
});
