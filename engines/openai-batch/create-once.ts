import type { Clock } from '../openai/clock.js';
import { Failure } from '../openai/failure.js';
import type { BatchApi, ServerBatch } from './batch-api.js';
import { batchOfFile } from './earlier-batches.js';
import type { Route } from './lines.js';
import type { BatchSettings } from './options.js';

export interface CreateOptions {
  readonly api: BatchApi;
  readonly settings: Pick<BatchSettings, 'pipeline' | 'retries' | 'pauseMs' | 'pollMs'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Creates the batch of a file, at most once, with up to `retries` more tries.
 *
 * One whose creation may or may not have been heard is looked for before it is created again, or it would be paid twice; the
 * server is asked every `pollMs` until it says whether there is one. Rejects with the `Failure` of the last try, one that no other try
 * helps, or the signal's reason.
 */
export async function createOnce(file: string, route: Route, options: CreateOptions): Promise<ServerBatch> {
  const { api, settings } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await api.create(file, route, settings.pipeline);
    } catch (error) {
      if (!(error instanceof Failure) || !error.retriable) throw error;
      const there = await found(file, error.retryAfterMs ?? 0, options);
      if (there !== undefined) return there;
      if (attempt >= settings.retries) throw error;
    }
  }
}

async function found(file: string, waitMs: number, options: CreateOptions): Promise<ServerBatch | undefined> {
  const { api, settings, clock, signal } = options;
  for (let pause = Math.max(settings.pauseMs, waitMs); ; pause = settings.pollMs) {
    await clock.sleep(pause, signal);
    try {
      return await batchOfFile(api, file, clock.now());
    } catch (error) {
      if (!(error instanceof Failure) || !error.retriable) throw error;
    }
  }
}
