import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

import { across, within } from '../../operators/kernels/diversity/neighbours.js';
import { permutationTest } from '../../operators/kernels/mmd/permutation-test.js';
import type { PairJob, PairMessage } from './pair-jobs.js';

const progressEveryMs = 100;

if (parentPort !== null) work(parentPort, workerData);

function work(port: MessagePort, job: PairJob): void {
  const post = (message: PairMessage) => port.postMessage(message);
  let last = 0;
  const progress = (share: number) => {
    const now = performance.now();
    if (now - last < progressEveryMs) return;
    last = now;
    post({ kind: 'progress', share });
  };
  if (job.kind === 'within') {
    post({ kind: 'within', result: within(job.points, job.neighbours, job.kernel, progress) });
  } else if (job.kind === 'across') {
    const { a, b, rimOfA, rimOfB, kernel } = job;
    post({ kind: 'across', result: across(a, b, rimOfA, rimOfB, kernel, progress) });
  } else {
    const { a, b, kernel, permutations, seed } = job;
    post({ kind: 'permutations', result: permutationTest(a, b, kernel, { permutations, seed, progress }) });
  }
}
