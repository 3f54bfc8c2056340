import { type ErrorCode, HeadwaterError } from '../../schemas/errors.js';

/** What a thread is asked for: the task that a module exports under a name, and its job. */
export interface ThreadJob<Job> {
  readonly module: string;
  readonly name: string;
  readonly job: Job;
}

/** From a thread: how far it is, then what came out. */
export type ThreadMessage<Result, Told> =
  | { readonly kind: 'told'; readonly told: Told }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly failure: ThreadFailure };

/** An error as it can be cloned: of a `HeadwaterError` the clone would be a plain `Error`. */
export interface ThreadFailure {
  readonly headwater: { readonly code: ErrorCode; readonly message: string; readonly stack: string | undefined } | null;
  /** The error itself where it is another; else its cause. */
  readonly cause: unknown;
}

export function failureOf(error: unknown): ThreadFailure {
  if (!(error instanceof HeadwaterError)) return { headwater: null, cause: error };
  const { code, message, stack, cause } = error;
  return { headwater: { code, message, stack }, cause };
}

/** The error as it was thrown, with the stack of the thread. */
export function errorOf({ headwater, cause }: ThreadFailure): unknown {
  if (headwater === null) return cause;
  const error = new HeadwaterError(headwater.code, headwater.message, cause === undefined ? {} : { cause });
  if (headwater.stack !== undefined) error.stack = headwater.stack;
  return error;
}
