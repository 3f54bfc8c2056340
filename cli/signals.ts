/** Calls `first` at the first Ctrl-C or SIGTERM, `second` at the next; returns how to stop listening. */
export function onInterrupt(first: () => void, second: () => void): () => void {
  let count = 0;
  const listener = () => {
    count++;
    if (count === 1) first();
    else second();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
