/**
 * Does work under a signal that is aborted when one of several is. `AbortSignal.any` stays registered with its sources for as long as
 * they live, about 100 bytes each time; here the sources are let go of when the work ends.
 */
export async function withEither<Result>(
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const either = new AbortController();
  const abort = () => either.abort();
  if (signals.some(({ aborted }) => aborted)) abort();
  for (const signal of signals) signal.addEventListener('abort', abort, { once: true });
  try {
    return await work(either.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', abort);
  }
}
