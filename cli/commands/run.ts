import { journaled } from '../../engines/journaled.js';
import { metered } from '../../engines/metered.js';
import type { LanguageModel } from '../../operators/language-model.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { isForeignTopic, type Recipe } from '../../schemas/recipe.js';
import type { InputKind } from '../../streams/inputs/to-record.js';
import type { IntakeParts } from '../../streams/intake/intake-stages.js';
import type { GroupMember } from '../../streams/kafka/kafka-group.js';
import { loadBeside } from '../../streams/river/load-beside.js';
import type { JournaledModel } from '../../streams/river/parts.js';
import { type River, startRiver } from '../../streams/river/river.js';
import { realTopics, runnableStages, type StageName } from '../../streams/river/stages.js';
import { WorkerReports } from '../../streams/river/worker-reports.js';
import { WorkerState } from '../../streams/river/worker-state.js';
import { type Engines, openEngines } from '../engines.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { type LoadedRecipe, loadRecipe, type RecipeOverrides } from '../recipe/load-recipe.js';
import { display } from '../run/display.js';
import { downloads } from '../run/downloads.js';
import { type Health, type HealthAddress, openHealth } from '../run/health.js';
import { type Prepared, prepare } from '../run/prepare.js';
import { renderLine, renderTable } from '../run/render.js';
import { RunWatch } from '../run/run-view.js';
import { sampleText } from '../run/sample-text.js';
import { secretValue } from '../run/secret-value.js';
import { stopInVain } from '../run/stop-in-vain.js';
import { printSummary, summarize } from '../run/summary.js';
import { type Supervision, supervision } from '../run/supervision.js';
import { tellChanges } from '../run/tell-changes.js';
import { viewOf } from '../run/view-of.js';
import { type Interruption, interruption } from '../signals.js';

export interface RunOptions {
  readonly recipe: string;
  readonly samples?: number;
  readonly data?: string;
  readonly out?: string;
  readonly stages?: string;
  readonly set: readonly string[];
  /** Where the target was reached before: go for as many more. */
  readonly more: boolean;
  /** Write each sample to standard output when it is accepted. */
  readonly print: boolean;
  /** How long a first Ctrl-C lets models finish. */
  readonly graceMs: number;
  /** Where orchestrators ask how the process is. */
  readonly health?: HealthAddress;
}

interface Session {
  readonly loaded: LoadedRecipe;
  readonly prepared: Prepared;
  readonly stages: readonly StageName[];
  readonly print: boolean;
  readonly graceMs: number;
  readonly watch: RunWatch;
  /** How this process fares as a worker. */
  readonly state: WorkerState;
  /** Where another process started it, which shows what it does. */
  readonly supervised: Supervision | undefined;
  readonly interruption: Interruption;
  readonly io: Io;
}

/** `headwater run`: streams samples until the target is reached, or Ctrl-C; resolves with the exit code. */
export async function run(options: RunOptions, ownIo: Io): Promise<number> {
  const stages = stageList(options.stages);
  // Of models, a worker with some of the stages needs the keys of those that it asks.
  const secrets = options.stages === undefined ? 'all' : 'topics';
  const loaded = await loadRecipe(options.recipe, { ...overridesOf(options), secrets });
  const supervised = supervision();
  const io = supervised === undefined ? ownIo : silenced(ownIo);
  for (const warning of loaded.warnings) io.err(`${warning}\n`);
  const state = new WorkerState();
  tellChanges(state, supervised, io);
  const health = await openedHealth(options.health, state, io);
  try {
    return await runWith({ ...options, stages }, { loaded, state, supervised, io });
  } finally {
    await health?.close();
  }
}

const leftMs = 3000;

type Worker = Pick<Session, 'loaded' | 'state' | 'supervised' | 'io'>;

async function runWith(options: Omit<RunOptions, 'stages'> & Pick<Session, 'stages'>, worker: Worker): Promise<number> {
  const { loaded, state, supervised, io } = worker;
  const { graceMs, print, more, stages } = options;
  const dataDir = options.data ?? loaded.recipe.topics.dir ?? '.headwater';
  const interrupted = interruption();
  const hooks = {
    stateChanged: state.brokerChanged,
    memberJoined: (member: GroupMember) => supervised?.tell({ type: 'member', ...member }),
  };
  const preparing = prepare({ loaded, dataDir, more, asTold: supervised !== undefined, hooks });
  const prepared = await unlessStopped(preparing, interrupted.soon);
  if (prepared === undefined) {
    io.err('Stopped before it began.\n');
    interrupted.release();
    preparing.then((late) => late.close()).catch(() => undefined);
    return exitCodes.interrupted;
  }
  try {
    const watch = new RunWatch(prepared.accepted);
    const ran = runSession({ ...worker, prepared, stages, print, graceMs, watch, interruption: interrupted });
    const inVain = stopInVain(interrupted, graceMs, () => state.brokersAreAway).then(() => {
      io.err(
        'Stopped without waiting any longer: what was committed is kept, and the same command goes on from there.\n',
      );
      // Whatever still waits must not keep the process.
      setTimeout(() => process.exit(exitCodes.interrupted), leftMs).unref();
      return exitCodes.interrupted;
    });
    return await Promise.race([ran, inVain]);
  } finally {
    interrupted.release();
    await prepared.close();
  }
}

/** What the command line changes in the recipe. */
export function overridesOf({ set, samples, out }: RunOptions): RecipeOverrides {
  return { set, ...(samples === undefined ? {} : { samples }), ...(out === undefined ? {} : { out }) };
}

/** A worker's progress and summary are its supervisor's to show. */
function silenced(io: Io): Io {
  return { ...io, isTty: false, out: () => undefined, err: () => undefined };
}

async function openedHealth(
  address: HealthAddress | undefined,
  state: WorkerState,
  io: Io,
): Promise<Health | undefined> {
  if (address === undefined) return undefined;
  const health = await openHealth({ ...address, state: () => state });
  io.err(`Health: ${health.url}/healthz and ${health.url}/readyz\n`);
  return health;
}

/** Undefined where the signal came first. */
export async function unlessStopped<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
  const stopped = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  return Promise.race([work, stopped]);
}

async function runSession(session: Session): Promise<number> {
  const { prepared, watch, supervised, io } = session;
  if (prepared.complete) {
    if (supervised !== undefined) return exitCodes.done;
    printSummary(await summarize('complete', prepared, watch), false, io);
    io.err('The target was reached before. Raise it with --samples, or go for as many more with --more.\n');
    return exitCodes.done;
  }
  const status = await streamed(session);
  if (supervised !== undefined) return status === 'complete' ? exitCodes.done : exitCodes.interrupted;
  printSummary(await summarize(status, prepared, watch), session.print, io);
  if (status === 'complete') return exitCodes.done;
  io.err('Stopped. The same command goes on from here.\n');
  return exitCodes.interrupted;
}

async function streamed(session: Session): Promise<'complete' | 'stopped'> {
  const engines = await openSession(session);
  if (engines === undefined) return 'stopped';
  try {
    await session.prepared.begin();
    return await stream(session, engines);
  } finally {
    await engines.close();
  }
}

/** The engines, or undefined where Ctrl-C came first. */
async function openSession({ loaded, stages, interruption: interrupted, io }: Session): Promise<Engines | undefined> {
  const shown = downloads(io);
  try {
    return await openEngines(loaded.recipe, stages, {
      base: loaded.dir,
      environment: process.env,
      signal: interrupted.soon,
      progress: shown.progress,
      pulled: shown.pulled,
    });
  } catch (error) {
    if (interrupted.soon.aborted) return undefined;
    throw error;
  } finally {
    shown.done();
  }
}

async function stream(session: Session, engines: Engines): Promise<'complete' | 'stopped'> {
  const { prepared, state, supervised } = session;
  const reports = new WorkerReports({ topics: prepared.topics, state });
  supervised?.tell({ type: 'worker', worker: reports.worker });
  try {
    return await flow(session, engines, reports);
  } finally {
    await reports.stop();
  }
}

async function flow(session: Session, engines: Engines, reports: WorkerReports): Promise<'complete' | 'stopped'> {
  const { prepared, stages, watch, state, interruption: interrupted, io } = session;
  const { recipe, topics, targets, shardDir } = prepared;
  watch.begin();
  const river = await startRiver({
    recipe,
    topics,
    targets,
    stages,
    parts: {
      base: engines.base && journaling(engines.base, 'base', watch),
      instruct: engines.instruct && journaling(engines.instruct, 'instruct', watch),
      embedder: engines.embedder,
      meter: watch,
      shardDir,
      intake: intakeParts(session),
    },
    committed: (committed) => {
      watch.committed(committed);
      reports.committed(committed);
    },
    held: state.changed,
  });
  state.begin(river.stages);
  stopOn(session, river);
  const shown = display(io, () => viewOf(prepared, river, watch), { table: renderTable, line: renderLine });
  if (session.print && !io.json) watch.sampled = (sample) => shown.print(`${sampleText(sample)}\n\n`);
  const ended = new AbortController();
  const loading = loadReal(session, AbortSignal.any([interrupted.soon, ended.signal]));
  try {
    return await Promise.race([river.done, loading.then(() => river.done)]);
  } finally {
    ended.abort();
    await shown.stop();
    river.stop(0);
    await Promise.allSettled([river.done, loading]);
  }
}

function stopOn({ state, interruption: interrupted, graceMs, io }: Session, river: River): void {
  const soon = () => {
    state.drain();
    io.err('\nStopping: what is in flight is finished and committed (Ctrl-C again: it is dropped) ...\n');
    river.stop(graceMs);
  };
  if (interrupted.soon.aborted) soon();
  else interrupted.soon.addEventListener('abort', soon, { once: true });
  interrupted.atOnce.addEventListener('abort', () => river.stop(0), { once: true });
}

/** The real stream comes in beside the river, through one of all its workers; a restart goes on where loading ended. */
async function loadReal({ loaded, prepared, stages }: Session, signal: AbortSignal): Promise<void> {
  const { recipe, topics } = prepared;
  const source = recipe.inputs.real;
  if (source === undefined || (typeof source === 'object' && 'topic' in source) || !stages.includes('align')) return;
  const [topic] = realTopics(recipe);
  if (topic === undefined) return;
  const { partitions } = recipe.topics;
  const target = { topics, topic, partitions, source, base: loaded.dir, domain: recipe.domain, now: Date.now };
  await loadBeside('real', target, signal);
}

function intakeParts({ loaded, io }: Session): IntakeParts {
  const { recipe, dir: base } = loaded;
  return {
    registryPassword: (kind) => registryPassword(recipe, kind, base),
    waiting: (stage, why) => io.err(`${stage}: ${why === null ? 'goes on' : `waits: ${why}`}\n`),
  };
}

/** The password of an input's schema registry. */
async function registryPassword({ inputs }: Recipe, kind: InputKind, base: string): Promise<string> {
  const input = inputs[kind];
  const password = isForeignTopic(input) ? input.registry?.password : undefined;
  if (password === undefined) return '';
  return secretValue(password, `inputs.${kind}.registry.password`, { base, environment: process.env });
}

function journaling(model: LanguageModel, role: string, watch: RunWatch): JournaledModel {
  return (journal) => journaled(metered(model, role, watch), journal);
}

function stageList(stages: string | undefined): readonly StageName[] {
  if (stages === undefined) return runnableStages;
  const names = stages.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !runnableStages.some((known) => known === name));
  if (unknown === undefined) return runnableStages.filter((name) => names.includes(name));
  throw new HeadwaterError(
    'recipe-invalid',
    `--stages: there is no stage '${unknown}': choose from ${runnableStages.join(', ')}`,
  );
}
