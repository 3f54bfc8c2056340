import type { Worker } from 'node:worker_threads';

import { onTestFinished } from 'vitest';

/** Counts the threads that start from now on, and those of them that have not ended. */
export function startedThreads(): { readonly started: number; readonly left: number } {
  const threads: Worker[] = [];
  const add = (worker: Worker) => void threads.push(worker);
  process.on('worker', add);
  onTestFinished(() => void process.off('worker', add));
  return {
    get started() {
      return threads.length;
    },
    get left() {
      // node gives a thread that has ended the id -1
      return threads.filter(({ threadId }) => threadId !== -1).length;
    },
  };
}
