import { expect } from 'vitest';

import { checkConsistent } from './check-run.js';
import { startLife } from './life.js';
import { type RunRead, readRun } from './read-run.js';
import { badLines, type Method, realRecords, samples, setScene, type Transport } from './scene.js';

/** Runs pipelines that nobody kills, one for each number of lanes. */
export async function runUninterrupted(
  transport: Transport,
  lanes: Iterable<number>,
  method: Method = 'bare',
): Promise<ReadonlyMap<number, RunRead>> {
  const runs = new Map<number, RunRead>();
  for (const count of new Set(lanes)) runs.set(count, await runOnce(transport, count, method));
  return runs;
}

async function runOnce(transport: Transport, lanes: number, method: Method): Promise<RunRead> {
  const scene = await setScene({ lanes, transport, method });
  try {
    const ending = await startLife(scene).ended;
    expect(ending.code, ending.stderr).toBe(0);
    const run = await readRun(scene);
    checkConsistent(run);
    checkInteresting(run);
    return run;
  } finally {
    await scene.close();
  }
}

/** The recipe must put the river to work: endings of several kinds, several shards, a correction, dead letters. */
function checkInteresting(run: RunRead): void {
  expect(run.samples.flat()).toHaveLength(samples);
  expect(run.realIds).toHaveLength(realRecords);
  expect(run.deadLetters).toHaveLength(badLines);
  expect(run.shards.length).toBeGreaterThanOrEqual(samples / 5);
  expect(run.corrections.length).toBeGreaterThan(0);
  const reasons = new Set(run.ledger.flat().map(({ stage, reason }) => `${stage} ${reason}`));
  expect([...reasons]).toEqual(expect.arrayContaining(['draft unparsable', 'align seed-copy']));
}
