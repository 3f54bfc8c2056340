import type { Embedder } from '../../operators/embedder.js';
import { Turns } from '../threads/turns.js';
import type { FileRecord, RecordReader } from './records.js';

/** Records that are embedded together. */
const batchRecords = 256;

/** A record with its unit vector: that of the file, or the embedder's. */
export interface EmbeddedRecord extends FileRecord {
  readonly vector: Float32Array;
}

interface Batch {
  readonly records: readonly FileRecord[];
  readonly vectors: readonly (Float32Array | null)[];
}

/**
 * Records in batches, in order; the next one is embedded while one is taken in. Others get their turn meanwhile.
 *
 * Those whose vector has no direction are skipped (`no-words`). Rejects as `RecordReader` does, and with the signal's reason.
 */
export async function* embeddedRecords(
  reader: RecordReader,
  embedder: Embedder | null,
  signal: AbortSignal,
): AsyncGenerator<readonly EmbeddedRecord[]> {
  const turns = new Turns(signal);
  let waiting: Promise<Batch> | undefined;
  for await (const batch of batches(reader.records(), turns)) {
    const next = embedded(batch, embedder);
    // a failure is heard when its turn comes
    next.catch(() => undefined);
    if (waiting !== undefined) yield usable(await waiting, reader);
    waiting = next;
  }
  if (waiting !== undefined) yield usable(await waiting, reader);
}

async function embedded(records: readonly FileRecord[], embedder: Embedder | null): Promise<Batch> {
  const vectors =
    embedder === null ? records.map(({ vector }) => vector) : await embedder.embed(records.map(({ text }) => text));
  return { records, vectors };
}

function usable({ records, vectors }: Batch, { skips }: RecordReader): readonly EmbeddedRecord[] {
  return records.flatMap((record, i) => {
    const vector = vectors[i];
    if (vector?.some((value) => value !== 0)) return [{ ...record, vector }];
    skips.add(record.place, 'no-words', 'the embedder finds no token in its text');
    return [];
  });
}

async function* batches(records: AsyncIterable<FileRecord>, turns: Turns): AsyncGenerator<readonly FileRecord[]> {
  let batch: FileRecord[] = [];
  for await (const record of records) {
    await turns.next();
    batch.push(record);
    if (batch.length < batchRecords) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
