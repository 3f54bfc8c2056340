import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { KafkaTopicsConfig } from '../../schemas/recipe.js';
import { MemberDismissal } from '../../streams/kafka/dismiss-members.js';
import { readWorkers, workerGone } from '../../streams/river/workers.js';
import type { Io } from '../io.js';
import { armsOf, type LoadedRecipe, loadRecipe } from '../recipe/load-recipe.js';
import { type Display, display } from '../run/display.js';
import { ended, reachedBefore, stoppedEarly } from '../run/ending.js';
import { type HealthAddress, openHealth } from '../run/health.js';
import { kafkaSettings } from '../run/kafka-settings.js';
import { type Prepared, prepare, totalTarget } from '../run/prepare.js';
import { renderWorkersLine, renderWorkersTable, type WorkersView } from '../run/render-workers.js';
import { openReuse } from '../run/reuse.js';
import { overridesOf, type RunOptions } from '../run/run-options.js';
import { sampleText } from '../run/sample-text.js';
import { checkStages, stageList } from '../run/stage-list.js';
import { supervisedVariable } from '../run/supervision.js';
import { Supervisor } from '../run/supervisor.js';
import { TopicsWatch } from '../run/topics-watch.js';
import { type Interruption, interruption, unlessStopped } from '../signals.js';

interface Session {
  readonly options: RunOptions;
  readonly loaded: LoadedRecipe;
  readonly config: KafkaTopicsConfig;
  readonly prepared: Prepared;
  readonly dataDir: string;
  readonly workers: number;
  readonly watch: TopicsWatch;
  readonly interruption: Interruption;
  readonly io: Io;
}

/**
 * `headwater run --workers N`: N processes of the same command on Kafka, each with a folder of its own under the data folder. Those
 * that die are started again; this process shows what they do, and prints the summary.
 */
export async function runWorkers(options: RunOptions, workers: number, io: Io): Promise<number> {
  await refuseArms(options.recipe);
  const loaded = await loadRecipe(options.recipe, overridesOf(options));
  const { topics: config } = loaded.recipe;
  if (config.kind !== 'kafka') throw needsKafka();
  checkStages(loaded.recipe, stageList(options.stages));
  for (const warning of loaded.warnings) io.err(`${warning}\n`);
  if (workers > config.partitions) {
    const idle = `--workers ${workers}: topics.partitions is ${config.partitions}, so that some workers only stand by`;
    io.err(`warning: ${idle}\n`);
  }
  const dataDir = options.data ?? config.dir ?? '.headwater';
  // What is wrong with one is found before workers are started.
  await (await openReuse(options.reuse ?? [], { recipe: loaded.recipe, dataDir })).close();
  const interrupted = interruption();
  const preparing = prepare({ loaded, dataDir, more: options.more });
  const prepared = await unlessStopped(preparing, interrupted.soon);
  if (prepared === undefined) {
    interrupted.release();
    return stoppedEarly(preparing, io);
  }
  try {
    const watch = new TopicsWatch(prepared.topics, prepared.accepted);
    const parts = { options, loaded, config, prepared, dataDir, workers, watch, io };
    return await runSession({ ...parts, interruption: interrupted });
  } finally {
    interrupted.release();
    await prepared.close();
  }
}

async function refuseArms(recipe: string): Promise<void> {
  if ((await armsOf(recipe)).length === 0) return;
  const text = '--workers: the arms of a recipe are run one after the other by one process: leave it out';
  throw new HeadwaterError('recipe-invalid', text);
}

function needsKafka(): HeadwaterError {
  const text =
    '--workers: the embedded log is for one process: leave it out, or run on Kafka with --set topics.kind=kafka';
  return new HeadwaterError('recipe-invalid', text);
}

async function runSession(session: Session): Promise<number> {
  const { prepared, watch, options, io } = session;
  if (prepared.complete) {
    return reachedBefore(prepared, watch, io);
  }
  await prepared.begin();
  await watch.begin();
  const how = await supervised(session);
  await watch.update();
  const status = howEnded(session, how);
  return ended(status, { prepared, watch, print: options.print, io });
}

/** Workers that end by themselves without all samples have found the budget spent. */
function howEnded({ prepared, watch }: Session, status: 'complete' | 'stopped'): 'complete' | 'stopped' | 'budget' {
  const target = totalTarget(prepared.targets);
  const isShort = target === null || watch.accepted < target;
  return status === 'complete' && isShort && prepared.recipe.target.budget !== undefined ? 'budget' : status;
}

async function supervised(session: Session): Promise<'complete' | 'stopped'> {
  const { loaded, config, prepared, workers, watch, options, interruption: interrupted, io } = session;
  const places = { name: loaded.recipe.name, base: loaded.dir, environment: process.env };
  const dismissal = new MemberDismissal(await kafkaSettings(config, places));
  // Without it, the first death is told a little later.
  await dismissal.connect().catch(() => undefined);
  let shown: Display | undefined;
  const supervisor = new Supervisor({
    workers,
    start: (worker) => startWorker(session, worker),
    died: (members, report) => {
      dismissal.dismiss(members).catch(() => undefined);
      if (report !== undefined) prepared.topics.append([workerGone(report)]).catch(() => undefined);
    },
    say: (line) => (shown === undefined ? io.err(`${line}\n`) : shown.note(`${line}\n`)),
  });
  const health = await openedHealth(options.health, supervisor, io).catch(async (error: unknown) => {
    supervisor.stop();
    await supervisor.done;
    throw error;
  });
  stopOn(interrupted, supervisor, io);
  const view = async (): Promise<WorkersView> => {
    await watch.update();
    return viewOf(session, supervisor);
  };
  const drawn = display(io, view, { table: renderWorkersTable, line: renderWorkersLine });
  shown = drawn;
  if (options.print && !io.json) watch.sampled = (sample) => drawn.print(`${sampleText(sample)}\n\n`);
  try {
    return await supervisor.done;
  } finally {
    await drawn.stop();
    await health?.close();
    await dismissal.close();
  }
}

async function viewOf({ prepared, watch, workers }: Session, supervisor: Supervisor): Promise<WorkersView> {
  const { recipe, targets, shardDir, topics } = prepared;
  return {
    name: recipe.name,
    target: totalTarget(targets),
    accepted: watch.accepted,
    acceptedBefore: watch.acceptedBefore,
    elapsedMs: watch.elapsedMs,
    workers: await readWorkers(topics, Date.now()),
    running: supervisor.running,
    wanted: workers,
    shardDir,
  };
}

/** A process group of its own: Ctrl-C reaches the workers through their supervisor, once. */
function startWorker({ options, dataDir }: Session, worker: number): ChildProcess {
  const { recipe, samples, out, stages, set, reuse, graceMs } = options;
  const args = [
    ...['run', recipe, '--data', join(dataDir, `worker-${worker}`), '--grace', String(graceMs / 1000)],
    ...(samples === undefined ? [] : ['--samples', String(samples)]),
    ...(out === undefined ? [] : ['--out', out]),
    ...(stages === undefined ? [] : ['--stages', stages]),
    ...set.flatMap((change) => ['--set', change]),
    ...(reuse ?? []).flatMap((folder) => ['--reuse', folder]),
  ];
  return spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, [supervisedVariable]: String(worker) },
    detached: true,
  });
}

async function openedHealth(address: HealthAddress | undefined, supervisor: Supervisor, io: Io) {
  if (address === undefined) return undefined;
  const state = () => ({ failure: undefined, obstacle: supervisor.obstacle });
  const health = await openHealth({ ...address, state });
  io.err(`Health of the workers: ${health.url}/readyz\n`);
  return health;
}

function stopOn(interrupted: Interruption, supervisor: Supervisor, io: Io): void {
  const soon = () => {
    io.err('\nStopping the workers: what is in flight is finished and committed (Ctrl-C again: it is dropped) ...\n');
    supervisor.stop();
  };
  if (interrupted.soon.aborted) soon();
  else interrupted.soon.addEventListener('abort', soon, { once: true });
  interrupted.atOnce.addEventListener('abort', () => supervisor.stop(), { once: true });
}
