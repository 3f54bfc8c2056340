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
