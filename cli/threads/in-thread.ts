import { Worker } from 'node:worker_threads';

import { HeadwaterError } from '../../schemas/errors.js';
import type { ComputeOptions, Task } from './task.js';
import { errorOf, type ThreadJob, type ThreadMessage } from './thread-message.js';

/**
 * The result of a task by a thread of its own, which has ended when this settles.
 *
 * Rejects with what the task throws, as it was thrown; with the signal's reason, for which the thread is ended at once; or with `engine-failed`
 * where it stops by itself, such as for want of memory.
 */
export async function inThread<Job, Result, Told>(
  task: Task<Job, Result, Told>,
  job: Job,
  { signal, progress }: ComputeOptions<Told>,
): Promise<Result> {
  signal.throwIfAborted();
  const workerData: ThreadJob<Job> = { module: compiled(task.module), name: task.name, job };
  const worker = new Worker(new URL(compiled(new URL('thread.js', import.meta.url).href)), {
    workerData,
    execArgv: [],
  });
  let stop = () => {};
  try {
    return await new Promise<Result>((resolve, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      worker.on('message', (message: ThreadMessage<Result, Told>) => {
        if (message.kind === 'told') progress?.(message.told);
        else if (message.kind === 'done') resolve(message.result);
        else reject(errorOf(message.failure));
      });
      const stopped = (cause?: unknown) => {
        const why = cause instanceof Error ? `: ${cause.message}` : '';
        const message = `the thread that ${task.does} stopped${why}; ${task.remedy}`;
        reject(new HeadwaterError('engine-failed', message, { cause }));
      };
      worker.on('error', stopped);
      worker.on('exit', () => stopped());
    });
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

const root = new URL('../../', import.meta.url).href;

/** The compiled module, also where this file runs from source. */
function compiled(module: string): string {
  if (!import.meta.url.endsWith('.ts') || !module.startsWith(root)) return module;
  return `${root}dist/${module.slice(root.length).replace(/\.ts$/, '.js')}`;
}
