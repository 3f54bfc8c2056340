import { Worker } from 'node:worker_threads';

import type { Across, Within } from '../../operators/kernels/diversity/neighbours.js';
import type { PermutationTest } from '../../operators/kernels/mmd/permutation-test.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { AcrossJob, PairJob, PairMessage, PermutationJob, WithinJob } from './pair-jobs.js';

export interface PairOptions {
  readonly signal: AbortSignal;
  readonly progress?: (share: number) => void;
}

/** `within` of the kernels in a thread of its own. Rejects with the signal's reason, or with `engine-failed`. */
export async function withinPairs(job: Omit<WithinJob, 'kind'>, options: PairOptions): Promise<Within> {
  const message = await answer({ kind: 'within', ...job }, options);
  if (message.kind !== 'within') throw new TypeError(`expected pairs within a sample, got ${message.kind}`);
  return message.result;
}

/** `across` of the kernels in a thread of its own. Rejects with the signal's reason, or with `engine-failed`. */
export async function acrossPairs(job: Omit<AcrossJob, 'kind'>, options: PairOptions): Promise<Across> {
  const message = await answer({ kind: 'across', ...job }, options);
  if (message.kind !== 'across') throw new TypeError(`expected pairs across two samples, got ${message.kind}`);
  return message.result;
}

/** `permutationTest` of the kernels in a thread of its own. Rejects with the signal's reason, or with `engine-failed`. */
export async function permutedPairs(job: Omit<PermutationJob, 'kind'>, options: PairOptions): Promise<PermutationTest> {
  const message = await answer({ kind: 'permutations', ...job }, options);
  if (message.kind !== 'permutations') throw new TypeError(`expected a permutation test, got ${message.kind}`);
  return message.result;
}

async function answer(job: PairJob, { signal, progress }: PairOptions): Promise<PairMessage> {
  signal.throwIfAborted();
  const worker = new Worker(workerFile(), { workerData: job, execArgv: [] });
  let stop = () => {};
  try {
    return await new Promise<PairMessage>((resolve, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      worker.on('message', (message: PairMessage) => {
        if (message.kind === 'progress') progress?.(message.share);
        else resolve(message);
      });
      const failed = (cause?: unknown) => {
        const why = cause instanceof Error ? `: ${cause.message}` : '';
        const message = `the thread that compares pairs stopped${why}; try a smaller --sample`;
        reject(new HeadwaterError('engine-failed', message, { cause }));
      };
      worker.on('error', failed);
      worker.on('exit', () => failed());
    });
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

/** The compiled worker, also where this file itself runs from source. */
function workerFile(): URL {
  const compiled = import.meta.url.endsWith('.ts') ? '../../dist/cli/compare/pairs-worker.js' : './pairs-worker.js';
  return new URL(compiled, import.meta.url);
}
