import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { checkConsistent, checkEqual } from './check-run.js';
import { type Fault, type Ordeal, ordealOf } from './faults.js';
import { BrokerRestarts } from './kafka/broker-restarts.js';
import { type CallCounts, type Drops, PaidCalls } from './paid-calls.js';
import { type RunRead, readRun } from './read-run.js';
import { type Method, type Scene, setScene, type Transport } from './scene.js';
import { runWorker } from './worker.js';

/** What a pipeline went through. */
export interface CycleCounts extends CallCounts {
  readonly seed: number;
  readonly lives: number;
  /** Those that hit, in order. */
  readonly faults: readonly string[];
  readonly seconds: number;
}

export interface CycleOptions {
  readonly seed: number;
  readonly transport: Transport;
  /** @default bare */
  readonly method?: Method;
  /** By number of lanes. */
  readonly uninterrupted: ReadonlyMap<number, RunRead>;
  /** Of what one pipeline may take. */
  readonly limitMs: number;
  /** What else is to be held against the run, on the topics as they are left. */
  readonly check?: (scene: Scene, run: RunRead, uninterrupted: RunRead) => Promise<void>;
}

/**
 * Runs a pipeline whose workers are killed and put to sleep again and again, then lets it end, and holds what it left against an
 * uninterrupted run. Throws where anything differs; the message names the seed, the faults, and the command that repeats them.
 */
export async function runCycle(options: CycleOptions): Promise<CycleCounts> {
  const { seed, transport, method = 'bare', uninterrupted, check } = options;
  const ordeal = ordealOf(seed, transport.kind, method);
  const { lanes, slow } = ordeal;
  const started = performance.now();
  const scene = await setScene({ lanes, transport, method, slow });
  const calls = new PaidCalls(scene);
  const faults: string[] = [];
  const restarts = transport.kind === 'kafka' ? BrokerRestarts.of(transport.broker) : undefined;
  const restartsBefore = restarts?.count ?? 0;
  try {
    const lives = await endure(scene, ordeal, calls, faults, options.limitMs);
    await calls.look();
    const run = await readRun(scene);
    checkConsistent(run);
    const reference = uninterrupted.get(lanes);
    if (reference === undefined) throw new Error(`there is no uninterrupted run with ${lanes} lanes`);
    checkEqual(run, reference);
    await check?.(scene, run, reference);
    const counts = await calls.counts(dropsOf(ordeal, lives, faults, (restarts?.count ?? 0) - restartsBefore));
    return { seed, lives, faults, seconds: Math.round((performance.now() - started) / 100) / 10, ...counts };
  } catch (error) {
    const script = transport.kind === 'log' ? 'test:crash' : 'test:crash:kafka';
    const repeat = `HEADWATER_CRASH_SEED=${seed} npm run ${script}`;
    const what = `seed ${seed}, ${ordeal.workers} workers, [${faults.join(', ')}]; repeat with: ${repeat}`;
    throw new Error(`${what}\n${messageOf(error)}`, { cause: error });
  } finally {
    await scene.close();
  }
}

/** Runs all workers to their end. Resolves with the number of their lives. */
async function endure(
  scene: Scene,
  { workers, faultOf, brokerAfterMs }: Ordeal,
  calls: PaidCalls,
  faults: string[],
  limitMs: number,
): Promise<number> {
  const failed = new AbortController();
  let standing = '';
  const limit = setTimeout(async () => {
    standing = await statusOf(scene);
    failed.abort();
  }, limitMs);
  const { transport } = scene;
  const restarts = transport.kind === 'kafka' ? BrokerRestarts.of(transport.broker) : undefined;
  let looking: Promise<void> = Promise.resolve();
  const run = async (worker: number) => {
    const hit = (fault: Fault) => {
      faults.push(nameOf(fault, worker));
      looking = looking.then(() => calls.look());
      return looking;
    };
    const faultOfLife = (life: number, before: number) => faultOf(worker, life, before);
    const mayFail = () => restarts?.isRecent ?? false;
    return runWorker(scene, { worker, faultOf: faultOfLife, hit, mayFail, ended: failed.signal });
  };
  const ended = new AbortController();
  const breaking = brokerAfterMs === undefined ? undefined : breakBroker(brokerAfterMs, ended.signal);
  async function breakBroker(afterMs: number, over: AbortSignal): Promise<void> {
    await delay(afterMs, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted) return;
    faults.push('broker killed');
    await restarts?.restart();
  }
  const lives = Array.from({ length: workers }, (_, worker) => run(worker));
  try {
    const counts = await Promise.all(lives);
    return counts.reduce((sum, count) => sum + count, 0);
  } catch (error) {
    throw standing === '' ? error : new Error(`${messageOf(error)}\nit stood at:\n${standing}`, { cause: error });
  } finally {
    failed.abort();
    ended.abort();
    clearTimeout(limit);
    await Promise.allSettled([...lives, breaking]);
  }
}

/** What the command says of a pipeline that does not end. */
async function statusOf({ recipe, data }: Scene): Promise<string> {
  const args = ['dist/cli/headwater.js', 'status', '--recipe', recipe, '--data', data];
  const told = await promisify(execFile)(process.execPath, args, { timeout: 20_000 }).catch(messageOf);
  return typeof told === 'string' ? told : told.stdout;
}

/** On Kafka whoever begins or ends takes partitions from others, whose calls are dropped. */
function dropsOf({ workers }: Ordeal, lives: number, faults: readonly string[], restarts: number): Drops {
  const sleeps = faults.filter((fault) => fault.startsWith('asleep')).length + restarts * workers;
  return { drops: workers === 1 ? lives : 2 * lives * workers, sleeps };
}

function nameOf(fault: Fault, worker: number): string {
  const moment = 'at' in fault ? fault.at : `${fault.afterMs} ms`;
  return `${fault.does === 'kill' ? '' : 'asleep '}${moment}${worker === 0 ? '' : ` (worker ${worker})`}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
