import { expect, it } from 'vitest';

import { checkConsistent } from './check-run.js';
import { startLife } from './life.js';
import { readRun } from './read-run.js';
import { setScene } from './scene.js';

/** No multiple of a shard's rows: the last shard is closed by the `complete` tick, and committed with it. */
const samples = 38;
const shards = 8;

it.each([`shard.rename.after#${shards}`, `manifest.line.before#${shards}`, `manifest.line.after#${shards}`])(
  'a pipeline killed at its very end, at %s, ends when it is run again',
  async (point) => {
    const scene = await setScene({ lanes: 1 });
    try {
      const args = ['--samples', String(samples)];
      expect((await startLife(scene, { args, crashAt: point }).ended).signal).toBe('SIGKILL');
      const ending = await startLife(scene, { args }).ended;
      expect(ending.code, ending.stderr).toBe(0);
      const run = await readRun(scene);
      checkConsistent(run);
      expect(run.shards.map(({ rows }) => rows.length)).toEqual([5, 5, 5, 5, 5, 5, 5, 3]);
    } finally {
      await scene.close();
    }
  },
);
