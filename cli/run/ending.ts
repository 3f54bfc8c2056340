import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import type { Prepared } from './prepare.js';
import type { RunWatch } from './run-view.js';
import { printSummary, type RunSummary, summarize } from './summary.js';

type Watch = Pick<RunWatch, 'accepted' | 'acceptedBefore' | 'elapsedMs' | 'samples'>;

const wordsOf = {
  complete: '',
  budget: 'The budget is spent. With a larger target.budget the same command goes on from here.\n',
  stopped: 'Stopped. The same command goes on from here.\n',
} as const;

/** Prints the summary of a run that has ended; gives the exit code. */
export async function ended(
  status: RunSummary['status'],
  { prepared, watch, print, io }: { prepared: Prepared; watch: Watch; print: boolean; io: Io },
): Promise<number> {
  printSummary(await summarize(status, prepared, watch), print, io);
  io.err(wordsOf[status]);
  return status === 'stopped' ? exitCodes.interrupted : exitCodes.done;
}

/** Prints the summary of a run that has nothing to do; gives the exit code. */
export async function reachedBefore(prepared: Prepared, watch: Watch, io: Io): Promise<number> {
  printSummary(await summarize('complete', prepared, watch), false, io);
  io.err('The target was reached before. Raise it with --samples, or go for as many more with --more.\n');
  return exitCodes.done;
}

/** Tells that a run was stopped before it began; gives the exit code. What was being prepared is closed when it comes. */
export function stoppedEarly(preparing: Promise<Prepared>, io: Io): number {
  io.err('Stopped before it began.\n');
  preparing.then((late) => late.close()).catch(() => undefined);
  return exitCodes.interrupted;
}
