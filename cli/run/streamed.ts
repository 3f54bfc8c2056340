import { journaled } from '../../engines/journaled.js';
import { metered } from '../../engines/metered.js';
import type { PaidAnswers } from '../../operators/journal.js';
import type { LanguageModel } from '../../operators/language-model.js';
import type { JournaledModel } from '../../streams/river/parts.js';
import { type River, startRiver } from '../../streams/river/river.js';
import { WorkerReports } from '../../streams/river/worker-reports.js';
import { type Engines, openEngines } from '../engines.js';
import type { Io } from '../io.js';
import { whenAborted } from '../signals.js';
import { budgetText, type OpenBudget, openBudget } from './budget.js';
import { display } from './display.js';
import { downloads } from './downloads.js';
import { hygieneParts } from './hygiene-parts.js';
import { intakeParts } from './intake-parts.js';
import { loadInputs } from './load-inputs.js';
import { renderLine, renderTable } from './render.js';
import { sampleText } from './sample-text.js';
import type { Ending, Session } from './session.js';
import { watchElsewhere } from './spent-elsewhere.js';
import { supervision } from './supervision.js';
import { viewOf } from './view-of.js';

type Paid = PaidAnswers | undefined;
type StreamSession = Session & { readonly paid: Paid };

/** Opens the engines, streams until the end, and closes them. */
export async function streamed(session: Session): Promise<Ending> {
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
  session.watch.endpoints = engines.endpoints;
  state.endpoints = engines.endpoints;
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
  const budget = await openBudget({ recipe, topics, onSpent: (text) => spent.abort(text), onBlind: blindly(session) });
  try {
    const status = await flowWithin(budget, spent, { session, engines, reports });
    return status === 'stopped' && spent.signal.aborted && !session.interruption.soon.aborted ? 'budget' : status;
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
  spent: AbortController,
  { session, engines, reports }: FlowParts,
): Promise<'complete' | 'stopped'> {
  const { prepared, stages, watch, state, interruption: interrupted, io } = session;
  const { recipe, topics, targets, shardDir } = prepared;
  watch.begin();
  let commits = 0;
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
      commits += 1;
      watch.committed(committed);
      reports.committed(committed);
    },
    held: state.changed,
  });
  state.begin(river.stages);
  stopOn(session, river);
  stopWhenSpent(session, river, spent.signal);
  const endWatch = watchElsewhere(recipe.target.budget, {
    prepared,
    worker: reports.worker,
    stages: river.stages,
    progress: () => commits,
    isIdle: () => budget.isIdle,
    onSpent: () => spent.abort(`the budget of ${budgetText(recipe.target.budget ?? {})} was found spent before`),
    onBlind: blindly(session),
  });
  const shown = display(io, () => viewOf(prepared, river, watch), { table: renderTable, line: renderLine });
  if (session.print && !io.json) watch.sampled = (sample) => shown.print(`${sampleText(sample)}\n\n`);
  const ended = new AbortController();
  const inputs = { recipe, topics, base: session.loaded.dir, stages };
  const loading = loadInputs(inputs, AbortSignal.any([interrupted.soon, ended.signal]));
  try {
    return await Promise.race([river.done, loading.then(() => river.done)]);
  } finally {
    ended.abort();
    endWatch();
    await shown.stop();
    river.stop(0);
    await Promise.allSettled([river.done, loading]);
  }
}

function blindly({ io }: Session): (text: string) => void {
  return (text) => io.err(`warning: ${text}\n`);
}

function stopOn({ state, interruption: interrupted, graceMs, io }: Session, river: River): void {
  whenAborted(interrupted.soon, () => {
    state.drain();
    io.err('\nStopping: what is in flight is finished and committed (Ctrl-C again: it is dropped) ...\n');
    river.stop(graceMs);
  });
  whenAborted(interrupted.atOnce, () => river.stop(0));
}

/** None is in flight by then that costs something: those that wait for the budget are left to the next run. */
function stopWhenSpent({ state, io }: Session, river: River, spent: AbortSignal): void {
  whenAborted(spent, () => {
    state.drain();
    io.err(`\nStopping: ${String(spent.reason)} ...\n`);
    river.stop(commitMs);
  });
}

/** In which what models have answered is finished and committed. */
const commitMs = 1000;

function journaling(model: LanguageModel, role: string, { watch, paid }: StreamSession): JournaledModel {
  return (journal) => journaled(metered(model, role, watch), journal, { paid });
}

/** A worker says it too: its supervisor shows what it writes. */
function tellModelChange(role: string, from: string, to: string, io: Io): void {
  const text = `warning: models.${role}: the endpoint answers as ${to} now, before as ${from}; each sample's lineage names its models\n`;
  if (supervision() === undefined) io.err(text);
  else process.stderr.write(text);
}
