import { journaled } from '../../engines/journaled.js';
import { metered } from '../../engines/metered.js';
import type { PaidAnswers } from '../../operators/journal.js';
import type { LanguageModel } from '../../operators/language-model.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { isForeignTopic, type Recipe } from '../../schemas/recipe.js';
import type { InputKind } from '../../streams/inputs/to-record.js';
import type { IntakeParts } from '../../streams/intake/intake-stages.js';
import type { GroupMember } from '../../streams/kafka/kafka-group.js';
import type { JournaledModel } from '../../streams/river/parts.js';
import { type River, startRiver } from '../../streams/river/river.js';
import { runnableStages, type StageName } from '../../streams/river/stages.js';
import { WorkerReports } from '../../streams/river/worker-reports.js';
import { WorkerState } from '../../streams/river/worker-state.js';
import { type Engines, openEngines } from '../engines.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { type LoadedRecipe, loadRecipe, type RecipeOverrides } from '../recipe/load-recipe.js';
import { budgetSpent, type OpenBudget, openBudget } from '../run/budget.js';
import { display } from '../run/display.js';
import { downloads } from '../run/downloads.js';
import { type Health, type HealthAddress, openHealth } from '../run/health.js';
import { hygieneParts } from '../run/hygiene-parts.js';
import { loadInputs } from '../run/load-inputs.js';
import { type Prepared, prepare } from '../run/prepare.js';
import { renderLine, renderTable } from '../run/render.js';
import { openReuse, type Reuse } from '../run/reuse.js';
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
  /** Data folders of other runs, whose paid answers are used again. */
  readonly reuse?: readonly string[];
  /** Of a recipe with arms: which one. */
  readonly arm?: string;
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
  readonly reuse: Reuse;
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

/** How a run ended: with all samples, at Ctrl-C, or with its budget spent. */
type Ending = 'complete' | 'stopped' | 'budget';
type Paid = PaidAnswers | undefined;
type StreamSession = Session & { readonly paid: Paid };

const leftMs = 3000;

type Worker = Pick<Session, 'loaded' | 'state' | 'supervised' | 'io'>;

async function runWith(options: Omit<RunOptions, 'stages'> & Pick<Session, 'stages'>, worker: Worker): Promise<number> {
  const { loaded } = worker;
  const { graceMs, print, more, stages } = options;
  const dataDir = options.data ?? loaded.recipe.topics.dir ?? '.headwater';
  const reuse = await openReuse(options.reuse ?? [], { recipe: loaded.recipe, dataDir });
  try {
    return await runOn(dataDir, { ...worker, stages, print, graceMs, more, reuse });
  } finally {
    await reuse.close();
  }
}

type RunParts = Omit<Session, 'prepared' | 'watch' | 'interruption'> & Pick<RunOptions, 'more'>;

async function runOn(dataDir: string, { more, ...parts }: RunParts): Promise<number> {
  const { loaded, state, supervised, graceMs, io } = parts;
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
    const ran = runSession({ ...parts, prepared, watch, interruption: interrupted });
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
export function overridesOf({ set, samples, out, arm }: RunOptions): RecipeOverrides {
  return {
    set,
    ...(samples === undefined ? {} : { samples }),
    ...(out === undefined ? {} : { out }),
    ...(arm === undefined ? {} : { arm }),
  };
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
  if (supervised !== undefined) return status === 'stopped' ? exitCodes.interrupted : exitCodes.done;
  printSummary(await summarize(status, prepared, watch), session.print, io);
  if (status === 'complete') return exitCodes.done;
  if (status === 'budget') {
    io.err(budgetSpent);
    return exitCodes.done;
  }
  io.err('Stopped. The same command goes on from here.\n');
  return exitCodes.interrupted;
}

async function streamed(session: Session): Promise<Ending> {
  const paid = await paidAnswers(session);
  if (paid === 'stopped') return 'stopped';
  const engines = await openSession(session);
  if (engines === undefined) return 'stopped';
  try {
    await session.prepared.begin();
    return await stream({ ...session, paid }, engines);
  } finally {
    await engines.close();
  }
}

/** What may be used again, where something may. */
async function paidAnswers({ reuse, interruption: interrupted, io }: Session): Promise<Paid | 'stopped'> {
  try {
    const answers = await reuse.answers(interrupted.soon);
    if (answers !== undefined) io.err(`${answers.size} paid answers of other runs can be used again\n`);
    return answers;
  } catch (error) {
    if (interrupted.soon.aborted) return 'stopped';
    throw error;
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
      pipeline: loaded.recipe.name,
      modelChanged: (role, from, to) => tellModelChange(role, from, to, io),
    });
  } catch (error) {
    if (interrupted.soon.aborted) return undefined;
    throw error;
  } finally {
    shown.done();
  }
}

async function stream(session: StreamSession, engines: Engines): Promise<Ending> {
  const { prepared, state, supervised } = session;
  const reports = new WorkerReports({ topics: prepared.topics, state });
  supervised?.tell({ type: 'worker', worker: reports.worker });
  try {
    return await flow(session, engines, reports);
  } finally {
    await reports.stop();
  }
}

async function flow(session: StreamSession, engines: Engines, reports: WorkerReports): Promise<Ending> {
  const spent = new AbortController();
  const { recipe, topics } = session.prepared;
  const budget = await openBudget({ recipe, topics, onSpent: (text) => spent.abort(text) });
  try {
    const status = await flowWithin(budget, spent.signal, { session, engines, reports });
    return status === 'stopped' && budget.isSpent && !session.interruption.soon.aborted ? 'budget' : status;
  } finally {
    budget.close();
  }
}

interface FlowParts {
  readonly session: StreamSession;
  readonly engines: Engines;
  readonly reports: WorkerReports;
}

/** `spent` is aborted with a sentence when the budget allows nothing more. */
async function flowWithin(
  budget: OpenBudget,
  spent: AbortSignal,
  { session, engines, reports }: FlowParts,
): Promise<'complete' | 'stopped'> {
  const { prepared, stages, watch, state, interruption: interrupted, io } = session;
  const { recipe, topics, targets, shardDir } = prepared;
  watch.begin();
  const river = await startRiver({
    recipe,
    topics,
    targets,
    stages,
    parts: {
      base: engines.base && journaling(budget.limited(engines.base, 'base'), 'base', session),
      instruct: engines.instruct && journaling(budget.limited(engines.instruct, 'instruct'), 'instruct', session),
      judge: engines.judge && journaling(budget.limited(engines.judge, 'judge'), 'judge', session),
      embedder: engines.embedder,
      ...(await hygieneParts(recipe, session.loaded.dir, stages, engines.embedder)),
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
  stopWhenSpent(session, river, spent);
  const shown = display(io, () => viewOf(prepared, river, watch), { table: renderTable, line: renderLine });
  if (session.print && !io.json) watch.sampled = (sample) => shown.print(`${sampleText(sample)}\n\n`);
  const ended = new AbortController();
  const inputs = { recipe, topics, base: session.loaded.dir, stages };
  const loading = loadInputs(inputs, AbortSignal.any([interrupted.soon, ended.signal]));
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

/** None is in flight by then that costs something: those that wait for the budget are left to the next run. */
function stopWhenSpent({ state, io }: Session, river: River, spent: AbortSignal): void {
  const stop = () => {
    state.drain();
    io.err(`\nStopping: ${String(spent.reason)} ...\n`);
    river.stop(commitMs);
  };
  if (spent.aborted) stop();
  else spent.addEventListener('abort', stop, { once: true });
}

/** In which what models have answered is finished and committed. */
const commitMs = 1000;

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

function journaling(model: LanguageModel, role: string, { watch, paid }: StreamSession): JournaledModel {
  return (journal) => journaled(metered(model, role, watch), journal, { paid });
}

/** A worker says it too: its supervisor shows what it writes. */
function tellModelChange(role: string, from: string, to: string, io: Io): void {
  const text = `warning: models.${role}: the endpoint answers as ${to} now, before as ${from}; each sample's lineage names its models\n`;
  if (supervision() === undefined) io.err(text);
  else process.stderr.write(text);
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
