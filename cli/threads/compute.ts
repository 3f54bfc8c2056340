import { inThread } from './in-thread.js';
import type { ComputeOptions, Task } from './task.js';
import { Turns } from './turns.js';

/** Starting a thread takes about as long, of another processor. */
const worthAThreadMs = 50;

/**
 * The result of a task: by a thread of its own where the job is large, else here in turns with others.
 *
 * Either way the result is the same to the last bit. Rejects with what the task throws, the signal's reason, or `engine-failed` where the thread
 * stops by itself.
 *
 * @example
 * ```ts
 * const { picks } = await compute(picksByLabel, { points, labels, pick: 100, ...figures }, { signal, progress: (picks) => tell(picks) });
 * ```
 */
export function compute<Job, Result, Told>(
  task: Task<Job, Result, Told>,
  job: Job,
  options: ComputeOptions<Told>,
): Promise<Result> {
  return task.estimatedMs(job) < worthAThreadMs ? inTurns(task, job, options) : inThread(task, job, options);
}

/** The result of a task that is done here; others get their turn wherever it pauses. Rejects with what it throws, or the signal's reason. */
export async function inTurns<Job, Result, Told>(
  task: Task<Job, Result, Told>,
  job: Job,
  { signal, progress }: ComputeOptions<Told>,
): Promise<Result> {
  const turns = new Turns(signal);
  const steps = task.begin(job, (told) => progress?.(told));
  for (;;) {
    await turns.next();
    const step = steps.next();
    if (step.done) return step.value;
  }
}
