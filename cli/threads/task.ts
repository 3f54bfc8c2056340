/** Arithmetic that can be done step by step: each `next` does a step, the last one has the result. */
export type Steps<Result> = Pick<Iterator<undefined, Result>, 'next'>;

/** Told of how far the work is; a share from 0 to 1 where nothing else is said. */
export type Tell<Told> = (told: Told) => void;

/** How a task is waited for. */
export interface ComputeOptions<Told> {
  readonly signal: AbortSignal;
  readonly progress?: Tell<Told>;
}

/** What is said of a task beside what it does. */
export interface TaskPlace<Job> {
  /** `import.meta.url` of the module that exports it, which a thread imports: it should need little. */
  readonly module: string;
  /** Under which name. */
  readonly name: string;
  /** For the message where its thread stops: the thread that ... */
  readonly does: string;
  /** What a user can do then. */
  readonly remedy: string;
  /** How long a job takes, about: it decides whether a thread is worth its start. */
  readonly estimatedMs: (job: Job) => number;
}

/**
 * A piece of arithmetic that gives the same result wherever it runs: in a thread of its own, or here.
 *
 * Jobs, results and what is told are cloned, as `postMessage` does; arrays in shared memory are not copied.
 */
export interface Task<Job, Result, Told = number> extends TaskPlace<Job> {
  begin(job: Job, tell: Tell<Told>): Steps<Result>;
}

/** A task that cannot pause: of what is done here, it must be quick. */
export function wholeTask<Job, Result>(
  place: TaskPlace<Job>,
  run: (job: Job, tell: Tell<number>) => Result,
): Task<Job, Result> {
  return { ...place, begin: (job, tell) => ({ next: () => ({ done: true, value: run(job, tell) }) }) };
}

/** A task that pauses wherever it yields. */
export function steppedTask<Job, Result, Told>(
  place: TaskPlace<Job>,
  begin: (job: Job, tell: Tell<Told>) => Generator<undefined, Result>,
): Task<Job, Result, Told> {
  return { ...place, begin };
}
