const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What Ctrl-C, SIGTERM and SIGHUP ask for: the first to finish soon, the second to stop at once. */
export interface Interruption {
  readonly soon: AbortSignal;
  readonly atOnce: AbortSignal;
  /** Gives the signals their usual meaning back. */
  release(): void;
}

export function interruption(): Interruption {
  const soon = new AbortController();
  const atOnce = new AbortController();
  const listener = () => (soon.signal.aborted ? atOnce : soon).abort();
  for (const signal of signals) process.on(signal, listener);
  return {
    soon: soon.signal,
    atOnce: atOnce.signal,
    release: () => {
      for (const signal of signals) process.off(signal, listener);
    },
  };
}

/** Undefined where the signal came first. */
export async function unlessStopped<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
  const stopped = new Promise<undefined>((resolve) => whenAborted(signal, () => resolve(undefined)));
  return Promise.race([work, stopped]);
}

/** Acts when the signal is aborted; at once where it is already. */
export function whenAborted(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true });
}
