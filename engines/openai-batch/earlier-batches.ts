import type { BatchApi, ServerBatch } from './batch-api.js';
import { customIdOf } from './lines.js';

/** A batch of an earlier process, with the ids of the requests that it may be asked for. */
export interface EarlierBatch {
  readonly id: string;
  readonly keys: ReadonlySet<string>;
  readonly hasEnded: boolean;
}

/** Batches live for a day; those that are older are not looked for. */
const keptMs = 3 * 86_400_000;
/** Of batches that change no more. */
export const ended: ReadonlySet<string> = new Set(['completed', 'failed', 'expired', 'cancelled']);

/**
 * The pipeline's batches of the last three days but for the `known`, newest first, each once its files are read whole.
 *
 * What is in an ended batch is read from its results, in another one from its input: an ended one may lack results. A file that
 * is gone is passed over: what only it named will be asked again. Rejects as `BatchApi`.
 */
export async function* earlierBatches(
  api: BatchApi,
  pipeline: string,
  now: number,
  known: (id: string) => boolean,
): AsyncGenerator<EarlierBatch, void, undefined> {
  for await (const batch of api.list()) {
    if (batch.createdAt < now - keptMs) return;
    if (batch.pipeline !== pipeline || batch.status === 'failed' || known(batch.id)) continue;
    yield { id: batch.id, keys: await keysOf(api, batch), hasEnded: ended.has(batch.status) };
  }
}

async function keysOf(api: BatchApi, batch: ServerBatch): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for (const file of ended.has(batch.status) ? batch.resultFiles : [batch.inputFile]) {
    for await (const line of api.lines(file)) {
      const key = line === undefined ? undefined : customIdOf(line);
      if (key !== undefined) keys.add(key);
    }
  }
  return keys;
}

/** The batch of a file, undefined where the server says that there is none; rejects as `BatchApi`. */
export async function batchOfFile(api: BatchApi, file: string, now: number): Promise<ServerBatch | undefined> {
  for await (const batch of api.list()) {
    if (batch.inputFile === file) return batch;
    if (batch.createdAt < now - keptMs) break;
  }
  return undefined;
}
