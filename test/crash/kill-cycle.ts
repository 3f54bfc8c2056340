import { checkConsistent, checkEqual } from './check-run.js';
import { type Kill, killOf } from './kills.js';
import { type Ending, type Life, startLife } from './life.js';
import { type CallCounts, PaidCalls } from './paid-calls.js';
import { type RunRead, readRun } from './read-run.js';
import { type Scene, setScene } from './scene.js';

/** Deaths that a pipeline shall see before it may run to its end. */
const killsWanted = 4;

/** What a pipeline went through. */
export interface CycleCounts extends CallCounts {
  readonly seed: number;
  readonly lives: number;
  /** Where it was killed. */
  readonly kills: readonly string[];
}

/** Lanes of a seed's pipeline: one or two by turns. */
export function lanesOf(seed: number): number {
  return 1 + (seed % 2);
}

/**
 * Runs a pipeline that is killed again and again, then lets it end, and holds what it left against an uninterrupted run.
 * Throws where anything differs; the message names the seed, the kills, and the command that repeats them.
 */
export async function killCycle(seed: number, uninterrupted: RunRead): Promise<CycleCounts> {
  const scene = await setScene(lanesOf(seed));
  const calls = new PaidCalls(scene);
  const kills: string[] = [];
  let lives = 0;
  try {
    for (let alive = true; alive; lives++) {
      const left = killsWanted - kills.length;
      const kill = left > 0 ? killOf(seed, lives, left === 1) : undefined;
      const ending = await live(scene, kill);
      if (ending.signal === 'SIGKILL' && kill !== undefined) kills.push(nameOf(kill));
      else if (ending.code === 0) alive = false;
      else throw new Error(`life ${lives} ended with ${ending.code ?? ending.signal}:\n${ending.stderr}`);
      await calls.lifeEnded();
    }
    const run = await readRun(scene);
    checkConsistent(run);
    checkEqual(run, uninterrupted);
    return { seed, lives, kills, ...(await calls.counts()) };
  } catch (error) {
    const replay = `HEADWATER_CRASH_SEED=${seed} npm run test:crash`;
    throw new Error(`seed ${seed}, killed at [${kills.join(', ')}]; repeat with: ${replay}\n${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await scene.close();
  }
}

async function live(scene: Scene, kill: Kill | undefined): Promise<Ending> {
  const life = startLife(scene, [], kill !== undefined && 'at' in kill ? kill.at : undefined);
  const timer = kill !== undefined && 'afterMs' in kill ? killLater(life, kill.afterMs) : undefined;
  try {
    return await life.ended;
  } finally {
    clearTimeout(timer);
  }
}

function killLater(life: Life, afterMs: number): NodeJS.Timeout {
  return setTimeout(() => life.kill('SIGKILL'), afterMs);
}

function nameOf(kill: Kill): string {
  return 'at' in kill ? kill.at : `${kill.afterMs} ms`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
