import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

import type { Task } from './task.js';
import { failureOf, type ThreadJob, type ThreadMessage } from './thread-message.js';

const progressEveryMs = 100;

if (parentPort !== null) await work(parentPort, workerData);

async function work(port: MessagePort, { module, name, job }: ThreadJob<unknown>): Promise<void> {
  const post = (message: ThreadMessage<unknown, unknown>) => port.postMessage(message);
  let last = performance.now();
  const tell = (told: unknown) => {
    const now = performance.now();
    if (now - last < progressEveryMs) return;
    last = now;
    post({ kind: 'told', told });
  };
  try {
    const exported: Readonly<Record<string, Task<unknown, unknown, unknown> | undefined>> = await import(module);
    const task = exported[name];
    if (task === undefined) throw new TypeError(`${module} exports no task '${name}'`);
    post({ kind: 'done', result: resultOf(task.begin(job, tell)) });
  } catch (error) {
    post({ kind: 'failed', failure: failureOf(error) });
  }
}

/** In one go: what ends it early ends the thread. */
function resultOf(steps: ReturnType<Task<unknown, unknown, unknown>['begin']>): unknown {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
