import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { checkCorrections } from './check-run.js';
import { type CycleCounts, runCycle } from './cycle.js';
import { ordealOf } from './faults.js';
import type { RunRead } from './read-run.js';
import { printReport, reportOf, seedsToRun } from './report.js';
import { runUninterrupted } from './uninterrupted.js';

const transport = { kind: 'log' } as const;
const method = 'synalign';
const cycles: CycleCounts[] = [];
const seeds = seedsToRun(8);
let uninterrupted: ReadonlyMap<number, RunRead> = new Map();

beforeAll(async () => {
  const lanes = seeds.map((seed) => ordealOf(seed, transport.kind, method).lanes);
  uninterrupted = await runUninterrupted(transport, lanes, method);
  for (const run of uninterrupted.values()) checkSteered(run);
}, 90_000);

/** All four steps must have been at work, or nothing would be compared. */
function checkSteered({ plans, samples, corrections, ledger }: RunRead): void {
  const all = plans.flat();
  expect(
    all.every(({ method: of, region, attributes }) => of === 'synalign' && region && attributes === undefined),
  ).toBe(true);
  expect(new Set(all.map(({ region }) => region?.exemplar)).size).toBeGreaterThan(4);
  expect(all.some(({ region }) => region !== undefined && region.demand !== 1)).toBe(true);
  expect(samples.flat().some(({ weight }) => weight !== 1)).toBe(true);
  expect(samples.flat().every(({ lineage }) => lineage.attributes.length > 0)).toBe(true);
  expect(corrections.some(({ witness, drift }) => witness !== undefined && drift !== undefined)).toBe(true);
  expect(ledger.flat().filter(({ correction }) => correction !== undefined)).toHaveLength(corrections.length);
}

describe('a pipeline that explores, reasons, aligns and steers, and is killed again and again', () => {
  it.concurrent.each(seeds)('T34 has the same plans, weights and corrections: seed %i', async (seed) => {
    const counts = await runCycle({
      seed,
      transport,
      method,
      uninterrupted,
      limitMs: 170_000,
      check: async (_, run, reference) => {
        // Plans and samples with their weights are compared in any case.
        checkCorrections(run, reference);
        const placesOf = ({ plans }: RunRead) => plans.map((lane) => lane.map(({ reals }) => reals));
        expect(placesOf(run)).toEqual(placesOf(reference));
      },
    });
    cycles.push(counts);
    expect(counts.askedAgain).toBe(0);
  });
});

afterAll(() => {
  const report = reportOf(cycles);
  printReport(report);
  if (seeds.length >= 8) expect(report.faults).toBeGreaterThanOrEqual(20);
});
