import type { Embedder } from '../../operators/embedder.js';
import type { FileRecord } from './records.js';

/** Records that are embedded together. */
const batchRecords = 256;

/** Records with their vectors: those of the file, or the embedder's. */
export interface EmbeddedBatch {
  readonly records: readonly FileRecord[];
  readonly vectors: readonly (Float32Array | null)[];
}

/** Records in batches, in order; the next one is embedded while one is taken in. Rejects with the signal's reason. */
export async function* embeddedBatches(
  records: AsyncIterable<FileRecord>,
  embedder: Embedder | null,
  signal: AbortSignal,
): AsyncGenerator<EmbeddedBatch> {
  let waiting: Promise<EmbeddedBatch> | undefined;
  for await (const batch of batches(records)) {
    signal.throwIfAborted();
    const next = embedded(batch, embedder);
    // a failure is heard when its turn comes
    next.catch(() => undefined);
    if (waiting !== undefined) yield await waiting;
    waiting = next;
  }
  if (waiting !== undefined) yield await waiting;
}

async function embedded(records: readonly FileRecord[], embedder: Embedder | null): Promise<EmbeddedBatch> {
  const vectors =
    embedder === null ? records.map(({ vector }) => vector) : await embedder.embed(records.map(({ text }) => text));
  return { records, vectors };
}

async function* batches(records: AsyncIterable<FileRecord>): AsyncGenerator<readonly FileRecord[]> {
  let batch: FileRecord[] = [];
  for await (const record of records) {
    batch.push(record);
    if (batch.length < batchRecords) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
