import { deferred } from '../deferred.js';
import type { Task, Topics } from '../topics.js';
import { type Committed, startTask, type TaskRun } from './run-task.js';
import { journalTopic, type Stage } from './stage.js';
import type { RestoreProgress } from './task-memory.js';

export interface StageOptions {
  readonly stage: Stage;
  readonly topics: Topics;
  readonly committed?: (committed: Committed) => void;
  /** Called when a partition came, works, or went. */
  readonly held?: () => void;
}

/** A stage at work in this process, on as many partitions as the group gives it. */
export interface StageRun {
  readonly name: string;
  /** Resolves after `drain` or `abandon`; rejects when a task failed, after the others were abandoned. Then the group is left. */
  readonly done: Promise<void>;
  /** Records that are inside operators or wait for their commit. */
  readonly inFlight: number;
  /** Those at work. */
  readonly partitions: readonly number[];
  /** Those at work, and those whose memory comes back. */
  readonly holdings: readonly Holding[];
  /** Fetches nothing more, lets operators finish, commits, and leaves the group. */
  drain(): void;
  /** Takes in what the topics hold by now, then drains. */
  finish(): void;
  /** Drops what is inside operators, commits what is finished, and leaves the group. */
  abandon(): void;
}

/** A partition in the hands of this process. */
export interface Holding {
  readonly partition: number;
  /** Milliseconds that its memory took to come back; null while it does. */
  readonly restoreMs: number | null;
  /** While it comes back: how far it is. */
  readonly restoring: RestoreProgress | null;
}

type Ending = 'drain' | 'finish' | 'abandon';

/** Joins the stage's consumer group and runs a task for each partition that it gets. */
export async function runStage(options: StageOptions): Promise<StageRun> {
  const { stage, topics } = options;
  const tasks = new Set<TaskRun>();
  /** Tasks whose memory comes back, and how far. */
  const starting = new Map<Task, RestoreProgress>();
  let ending: Ending | undefined;
  let failure: { readonly error: unknown } | undefined;
  const done = deferred();

  const joined = topics.join({
    group: stage.name,
    topics: stage.journaled ? [...stage.inputs, journalTopic(stage.name)] : stage.inputs,
    from: stage.from,
    assigned: (task) => {
      if (ending === undefined) work(task).catch(fail).finally(leaveWhenIdle);
    },
    failed: fail,
  });

  async function work(task: Task): Promise<void> {
    const run = await started(task);
    options.held?.();
    if (ending !== undefined) run[ending]();
    await run.done.finally(() => {
      tasks.delete(run);
      options.held?.();
    });
  }

  async function started(task: Task): Promise<TaskRun> {
    const restoring = (progress: RestoreProgress) => starting.set(task, progress);
    restoring({ read: 0, total: 0 });
    options.held?.();
    try {
      const run = await startTask({ ...options, task, restoring });
      tasks.add(run);
      return run;
    } finally {
      starting.delete(task);
    }
  }

  function fail(error: unknown): void {
    failure ??= { error };
    end('abandon');
  }

  function end(how: Ending): void {
    ending = how;
    for (const task of tasks) task[how]();
    leaveWhenIdle();
  }

  function leaveWhenIdle(): void {
    if (ending === undefined || tasks.size > 0 || starting.size > 0) return;
    joined
      .then((membership) => membership.leave())
      .then(() => (failure === undefined ? done.resolve() : done.reject(failure.error)), done.reject);
  }

  await joined;
  return {
    name: stage.name,
    done: done.promise,
    get inFlight() {
      return [...tasks].reduce((sum, task) => sum + task.inFlight, 0);
    },
    get partitions() {
      return [...tasks].map(({ partition }) => partition);
    },
    get holdings() {
      const coming = [...starting].map(([{ partition }, restoring]) => ({ partition, restoreMs: null, restoring }));
      const working = [...tasks].map(({ partition, restoreMs }) => ({ partition, restoreMs, restoring: null }));
      return [...coming, ...working];
    },
    drain: () => end('drain'),
    finish: () => end('finish'),
    abandon: () => end('abandon'),
  };
}
