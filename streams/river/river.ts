import { decode } from '../../schemas/codec.js';
import type { Recipe } from '../../schemas/recipe.js';
import { deferred } from '../deferred.js';
import { follow } from '../follow.js';
import { isForeign } from '../kafka/topic-names.js';
import { runStage, type StageRun } from '../stage/run-stage.js';
import type { Committed } from '../stage/run-task.js';
import type { Stage } from '../stage/stage.js';
import type { Topics } from '../topics.js';
import { BarrenStreak } from './barren-streak.js';
import { DeadStreak } from './dead-streak.js';
import { isDry } from './is-dry.js';
import { idleParts, type RiverParts } from './parts.js';
import { drawnTopics, windowOf } from './planning.js';
import { realTopics, type StageName, stageNames, stagesOf } from './stages.js';
import { startTicker } from './ticker.js';
import { topicsOf } from './topics-of.js';

export interface RiverOptions {
  readonly recipe: Recipe;
  readonly topics: Topics;
  readonly parts: Omit<RiverParts, 'complete'>;
  /** @default all */
  readonly stages?: readonly StageName[];
  /** Accepted samples that each lane shall have; null is endless. */
  readonly targets: readonly (number | null)[];
  readonly committed?: (committed: Committed) => void;
  /** Called when a partition came to this process, works, or went. */
  readonly held?: () => void;
}

/** A river that runs in this process. */
export interface River {
  readonly stages: readonly StageRun[];
  /**
   * `complete`: every lane has its target and all shards are in the manifest; `stopped`: after `stop`. Rejects when a stage
   * fails, or when all plans die in one: then with the code of the last death.
   */
  readonly done: Promise<'complete' | 'stopped'>;
  /** Finishes what is in flight, drops after `graceMs` what still is, commits, closes the shards and ends; at once with 0. */
  stop(graceMs: number): void;
}

/** Creates what topics are missing, and starts the stages. */
export async function startRiver(options: RiverOptions): Promise<River> {
  const { recipe, topics, targets } = options;
  const complete = new AbortController();
  const parts: RiverParts = { ...options.parts, complete: complete.signal };
  const stages = stagesOf(recipe, parts, options.stages);
  await ensureTopics(recipe, topics);

  const changed = new Waiters();
  const streak = new DeadStreak(Math.max(leastDead, 2 * windowOf(recipe)));
  const barren = new BarrenStreak(Math.min(mostBarren, Math.max(leastBarren, 20 * windowOf(recipe))));
  const hopeless = deferred<never>();
  const runs = await startAll(stages, topics, {
    ...options,
    committed: (committed) => {
      options.committed?.(committed);
      const error = streak.after(committed) ?? barren.after(committed);
      if (error !== undefined) hopeless.reject(error);
      changed.wake();
    },
  });
  const ending = new AbortController();
  const endless = [...realTopics(recipe), ...drawnTopics(recipe)];
  /** All there is must be committed at the end, but for the streams that need not end. */
  const consumers = [...stages, ...manifestOf(recipe, options.stages)].map(({ name, inputs }) => ({
    name,
    inputs: inputs.filter((topic) => !endless.includes(topic) && !isForeign(topic)),
  }));
  let graceTimer: NodeJS.Timeout | undefined;
  const { every } = recipe.shards;
  const sharding = runs.find(({ name }) => name === 'shard');
  const stopTicker =
    every !== undefined && sharding !== undefined
      ? startTicker({
          topics,
          lanes: () => sharding.partitions,
          everyMs: every,
          now: Date.now,
          failed: (error) => hopeless.reject(error),
        })
      : undefined;

  /** Writers first: what they have accepted by then still goes into the shards. */
  async function drain(): Promise<void> {
    ending.abort();
    stopTicker?.();
    changed.wake();
    const [writers, sinks] = [runs.filter((run) => !isSink(run)), runs.filter(isSink)];
    for (const run of writers) run.drain();
    await Promise.all(writers.map((run) => run.done));
    for (const run of sinks) {
      run.finish();
      await run.done;
    }
  }

  async function finished(): Promise<'complete' | 'stopped'> {
    const failed = Promise.race(runs.map((run) => run.done.then(() => new Promise<never>(() => undefined))));
    const dry = lanesComplete(topics, targets, ending.signal).then(async (all) => {
      if (!all) return;
      complete.abort();
      while (!ending.signal.aborted && !(await isDry(topics, consumers))) await changed.next(dryCheckMs);
    });
    try {
      await Promise.race([failed, dry, hopeless.promise]);
      const how = ending.signal.aborted ? 'stopped' : 'complete';
      if (how === 'complete') await drain();
      await Promise.all(runs.map((run) => run.done));
      return how;
    } catch (error) {
      ending.abort();
      for (const run of runs) run.abandon();
      await Promise.allSettled(runs.map((run) => run.done));
      throw error;
    } finally {
      stopTicker?.();
      clearTimeout(graceTimer);
    }
  }

  const done = finished();
  done.catch(() => undefined);
  return {
    stages: runs,
    done,
    stop: (graceMs) => {
      drain().catch(() => undefined);
      clearTimeout(graceTimer);
      graceTimer = setTimeout(() => {
        for (const run of runs) if (graceMs === 0 || !isSink(run)) run.abandon();
      }, graceMs);
    },
  };
}

/** Creates what topics of a recipe are missing. */
export async function ensureTopics(recipe: Recipe, topics: Topics): Promise<void> {
  const stages = stagesOf(recipe, idleParts);
  const partitions = new Map<string, number>();
  for (const topic of stages.flatMap(({ inputs }) => inputs.filter(isForeign))) {
    partitions.set(topic, (await topics.offsets(topic)).length);
  }
  await topics.ensure(topicsOf(recipe, stages, partitions));
}

/** A worker that does not write the manifest stays until whoever does has written it. */
function manifestOf(recipe: Recipe, running: readonly StageName[] = stageNames): readonly Stage[] {
  return running.includes('manifest') ? [] : stagesOf(recipe, idleParts, ['manifest']);
}

/** A stage that makes files of what others have made. */
function isSink({ name }: StageRun): boolean {
  return name === 'shard' || name === 'manifest';
}

/** Plans that die in a row before the river gives up, where twice the window is less. */
const leastDead = 20;

/** Plans that end in a row without a sample before the river gives up, where twenty windows are less. */
const leastBarren = 200;
/** A window may be long because its plans are written in groups: each line is paid for all the same. */
const mostBarren = 5000;

/** A worker of another process may do the last commit, so dryness is looked at again without a wake-up too. */
const dryCheckMs = 500;

async function startAll(
  stages: readonly Stage[],
  topics: Topics,
  hooks: Pick<RiverOptions, 'committed' | 'held'>,
): Promise<readonly StageRun[]> {
  const runs: StageRun[] = [];
  try {
    for (const stage of stages) runs.push(await runStage({ ...hooks, stage, topics }));
  } catch (error) {
    for (const run of runs) run.abandon();
    await Promise.allSettled(runs.map((run) => run.done));
    throw error;
  }
  return runs;
}

/** Resolves with true when each lane's `complete` tick is among the shards; with false when the signal is aborted. */
async function lanesComplete(
  topics: Topics,
  targets: readonly (number | null)[],
  signal: AbortSignal,
): Promise<boolean> {
  const open = new Map(targets.entries());
  for await (const { value, headers } of follow(topics, 'shards', 0, 0, signal)) {
    if (value === null) continue;
    const record = decode(value, headers);
    if (record.kind !== 'tick' || record.reason !== 'complete') continue;
    const target = open.get(record.lane);
    if (typeof target === 'number' && (record.total ?? 0) >= target) open.delete(record.lane);
    if (open.size === 0) return true;
  }
  return false;
}

/** Promises that a wake-up resolves. */
class Waiters {
  #wake: () => void = () => undefined;

  wake(): void {
    this.#wake();
  }

  next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
