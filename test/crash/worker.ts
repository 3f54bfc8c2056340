import { setTimeout as delay } from 'node:timers/promises';

import type { Fault } from './faults.js';
import { type Ending, type Life, startLife } from './life.js';
import type { Scene } from './scene.js';

export interface WorkerOptions {
  readonly worker: number;
  /** What befalls its next life. */
  readonly faultOf: (life: number, before: number) => Fault | undefined;
  /** Told when a fault has hit: after a death and before the next life, or before a sleeper wakes. */
  readonly hit: (fault: Fault) => Promise<void>;
  /** Whether it may end with a failure now, to be started again, as when there is no broker. */
  readonly mayFail: () => boolean;
  /** Kills it. */
  readonly ended: AbortSignal;
}

/** Runs a worker as a supervisor does: again after each death, until it ends well. Resolves with the number of its lives. */
export async function runWorker(scene: Scene, options: WorkerOptions): Promise<number> {
  const { worker, faultOf, hit, mayFail, ended } = options;
  let hits = 0;
  for (let life = 0; ; life++) {
    const fault = faultOf(life, hits);
    const { ending, struck } = await live(scene, worker, fault, { hit, ended });
    if (ended.aborted) throw new Error(`worker ${worker} did not end:\n${ending.stderr}`);
    if (struck) hits++;
    if (ending.code === 0) return life + 1;
    if (fault?.does === 'kill' && ending.signal === 'SIGKILL') await hit(fault);
    else if (!mayFail()) {
      throw new Error(`worker ${worker}, life ${life}, ended with ${ending.code ?? ending.signal}:\n${ending.stderr}`);
    }
  }
}

async function live(
  scene: Scene,
  worker: number,
  fault: Fault | undefined,
  { hit, ended }: Pick<WorkerOptions, 'hit' | 'ended'>,
): Promise<{ readonly ending: Ending; readonly struck: boolean }> {
  const at = fault !== undefined && 'at' in fault ? fault.at : undefined;
  const life = startLife(scene, { worker, [fault?.does === 'pause' ? 'pauseAt' : 'crashAt']: at });
  const end = () => life.kill('SIGKILL');
  ended.addEventListener('abort', end);
  const over = new AbortController();
  try {
    const striking = fault === undefined ? undefined : strike(life, fault, hit, over.signal);
    striking?.catch(() => undefined);
    const ending = await life.ended;
    over.abort();
    const slept = (await striking) === true;
    return { ending, struck: slept || (fault?.does === 'kill' && ending.signal === 'SIGKILL') };
  } finally {
    ended.removeEventListener('abort', end);
  }
}

/** Resolves with true where it made the process sleep, and woke it. */
async function strike(life: Life, fault: Fault, hit: WorkerOptions['hit'], over: AbortSignal): Promise<boolean> {
  if ('afterMs' in fault) {
    await delay(fault.afterMs, undefined, { signal: over }).catch(() => undefined);
    if (!over.aborted) life.kill(fault.does === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  }
  if (fault.does === 'kill' || !(await life.asleep())) return false;
  await delay(fault.forMs, undefined, { signal: over }).catch(() => undefined);
  await hit(fault);
  life.kill('SIGCONT');
  return true;
}
