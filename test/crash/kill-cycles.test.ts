import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { checkConsistent } from './check-run.js';
import { type CycleCounts, killCycle, lanesOf } from './kill-cycle.js';
import { startLife } from './life.js';
import { type RunRead, readRun } from './read-run.js';
import { badLines, realRecords, samples, setScene } from './scene.js';

/** By number of lanes. */
const uninterrupted = new Map<number, RunRead>();
const cycles: CycleCounts[] = [];
const seeds = seedsToRun(process.env);

beforeAll(async () => {
  for (const lanes of new Set(seeds.map(lanesOf))) uninterrupted.set(lanes, await runWithoutKills(lanes));
}, 60_000);

describe('a pipeline that is killed again and again', () => {
  it.concurrent.each(seeds)('does what an uninterrupted one does: seed %i', async (seed) => {
    const reference = uninterrupted.get(lanesOf(seed));
    if (reference === undefined) throw new Error('the uninterrupted run failed');
    const counts = await killCycle(seed, reference);
    cycles.push(counts);
    expect(counts.askedAgain).toBe(0);
  });
});

afterAll(() => {
  const kills = cycles.reduce((sum, cycle) => sum + cycle.kills.length, 0);
  process.stdout.write(
    `${JSON.stringify({ pipelines: cycles.length, kills, ...sums(), byPoint: byPoint() }, null, 2)}\n`,
  );
  // So that a change of the points or of the recipe cannot quietly make this suite kill less.
  if (seeds.length >= 36) expect(kills).toBeGreaterThanOrEqual(100);
});

/** `HEADWATER_CRASH_SEED=17`: that seed alone; `HEADWATER_CRASH_SEEDS=1000`: so many from 0 on. */
function seedsToRun(environment: NodeJS.ProcessEnv): readonly number[] {
  const { HEADWATER_CRASH_SEED: one, HEADWATER_CRASH_SEEDS: many = '36' } = environment;
  if (one !== undefined) return [Number(one)];
  return Array.from({ length: Number(many) }, (_, seed) => seed);
}

async function runWithoutKills(lanes: number): Promise<RunRead> {
  const scene = await setScene(lanes);
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
  expect(run.correctionIds.length).toBeGreaterThan(0);
  const reasons = new Set(run.ledger.flat().map(({ stage, reason }) => `${stage} ${reason}`));
  expect([...reasons]).toEqual(expect.arrayContaining(['draft unparsable', 'align seed-copy']));
}

function sums() {
  const sum = (name: 'answered' | 'askedAgain' | 'lost') => cycles.reduce((total, cycle) => total + cycle[name], 0);
  return { answered: sum('answered'), lostBeforeTheJournal: sum('lost'), askedAgain: sum('askedAgain') };
}

function byPoint(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kill of cycles.flatMap((cycle) => cycle.kills)) {
    const point = kill.endsWith(' ms') ? 'from outside' : kill.replace(/#\d+$/, '');
    counts[point] = (counts[point] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).sort());
}
