/** Does work; rejects with `reason()` as soon as the signal is aborted, without waiting for the work to notice. */
export function unlessAborted<Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
  reason: () => Error,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = () => reject(reason());
    if (signal.aborted) return end();
    signal.addEventListener('abort', end, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', end));
  });
}
