import type { GroupMember } from '../../streams/kafka/kafka-group.js';
import { WorkerState } from '../../streams/river/worker-state.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import type { LoadedRecipe } from '../recipe/load-recipe.js';
import { interruption, unlessStopped } from '../signals.js';
import { ended, reachedBefore, stoppedEarly } from './ending.js';
import { type Health, type HealthAddress, openHealth } from './health.js';
import { prepare } from './prepare.js';
import { openReuse } from './reuse.js';
import type { RunOptions } from './run-options.js';
import { RunWatch } from './run-view.js';
import type { Session } from './session.js';
import { checkStages, stageList } from './stage-list.js';
import { stopInVain } from './stop-in-vain.js';
import { streamed } from './streamed.js';
import { supervision } from './supervision.js';
import { tellChanges } from './tell-changes.js';

/** Runs a recipe that was read and found right; resolves with the exit code. */
export async function runLoaded(loaded: LoadedRecipe, options: RunOptions, ownIo: Io): Promise<number> {
  const stages = stageList(options.stages);
  checkStages(loaded.recipe, stages);
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
    interrupted.release();
    return stoppedEarly(preparing, io);
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

async function runSession(session: Session): Promise<number> {
  const { prepared, watch, supervised, io } = session;
  if (prepared.complete) {
    if (supervised !== undefined) return exitCodes.done;
    return reachedBefore(prepared, watch, io);
  }
  const status = await streamed(session);
  if (supervised !== undefined) return status === 'stopped' ? exitCodes.interrupted : exitCodes.done;
  return ended(status, { prepared, watch, print: session.print, io });
}
