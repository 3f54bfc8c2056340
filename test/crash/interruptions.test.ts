import { afterEach, describe, expect, it } from 'vitest';

import { checkConsistent, checkEqual } from './check-run.js';
import { type Ending, startLife } from './life.js';
import { type RunRead, readRun } from './read-run.js';
import { type Scene, samples, setScene } from './scene.js';

/** Begins each sample that `--print` shows. */
const sampleMark = 'question: ';

const scenes: Scene[] = [];

afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});

async function newScene(lanes = 1): Promise<Scene> {
  const scene = await setScene({ lanes });
  scenes.push(scene);
  return scene;
}

async function complete(scene: Scene, ...args: string[]): Promise<RunRead> {
  const ending = await startLife(scene, { args }).ended;
  expect(ending.code, ending.stderr).toBe(0);
  const run = await readRun(scene);
  checkConsistent(run);
  return run;
}

/** Interrupts a run when it has shown some samples. */
async function interrupt(scene: Scene, signal: NodeJS.Signals, ...args: string[]): Promise<Ending> {
  const life = startLife(scene, { args: ['--print', ...args] });
  await life.seen(sampleMark, 8);
  life.kill(signal);
  return life.ended;
}

function rowsOf({ shards }: RunRead): number {
  return shards.reduce((sum, { rows }) => sum + rows.length, 0);
}

describe.each([1, 2])('Ctrl-C in the middle, with %i lanes', (lanes) => {
  it('commits, closes the shards, and lets the same command go on as if nothing had been', async () => {
    // Long enough that the signal comes before the end on a slow machine.
    const total = 4 * samples;
    const args = ['--samples', String(total)];
    const uninterrupted = await complete(await newScene(lanes), ...args);
    const scene = await newScene(lanes);
    const ending = await interrupt(scene, 'SIGINT', ...args);
    expect(ending.code, ending.stderr).toBe(130);

    const stopped = await readRun(scene);
    expect(stopped.strays).toEqual([]);
    for (const { name, outcomes, consumed } of stopped.stages) expect([name, outcomes]).toEqual([name, consumed]);
    expect(rowsOf(stopped)).toBeGreaterThan(0);
    expect(rowsOf(stopped)).toBeLessThan(total);
    expect(stopped.shards.map(({ entry }) => entry.closedBy)).toContain('drain');

    const run = await complete(scene, ...args);
    checkEqual(run, uninterrupted);
    expect(run.shards.map(({ entry }) => entry.path)).not.toEqual(uninterrupted.shards.map(({ entry }) => entry.path));
  });
});

it('refuses a second run on a data folder, naming the process that has it', async () => {
  const scene = await newScene();
  const endless = ['--samples', '1000000', '--print'];
  const first = startLife(scene, { args: endless });
  await first.seen(sampleMark, 1);
  const second = await startLife(scene, { args: endless }).ended;
  expect(second.code, second.stderr).toBe(2);
  expect(second.stderr).toContain(String(first.pid));
  first.kill('SIGINT');
  expect((await first.ended).code).toBe(130);
  expect((await readRun(scene)).strays).toEqual([]);
});

describe('a target that was reached', () => {
  it('is not reached again by the same command', async () => {
    const scene = await newScene();
    const first = await complete(scene);
    expect(await complete(scene)).toEqual(first);
  });

  it.each([
    { args: ['--more'], total: 2 * samples },
    { args: ['--samples', '55'], total: 55 },
  ])('goes on with new ordinals by $args', async ({ args, total }) => {
    const scene = await newScene();
    const first = await complete(scene);
    const second = await complete(scene, ...args);
    expect(second.samples.flat()).toHaveLength(total);
    expect(second.samples[0]?.slice(0, samples)).toEqual(first.samples[0]);
    expect(second.plans[0]?.slice(0, first.plans[0]?.length)).toEqual(first.plans[0]);
  });

  it('goes on with a run for more that was interrupted, to the same number', async () => {
    const scene = await newScene();
    // So long that the signal comes before the end on a slow machine.
    const total = 3 * samples;
    const args = ['--samples', String(total)];
    await complete(scene, ...args);
    const ending = await interrupt(scene, 'SIGINT', ...args, '--more');
    expect(ending.code, ending.stderr).toBe(130);
    const run = await complete(scene, ...args, '--more');
    expect(run.samples.flat()).toHaveLength(2 * total);
  });
});
