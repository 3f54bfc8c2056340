import type { RecordBatch } from 'apache-arrow';

/** Record batches in, the bytes of one file out. One call at a time. */
export interface BatchEncoder {
  /** Writes a batch; its buffers are free when this resolves. */
  encode(batch: RecordBatch): Promise<void>;
  /** Writes what ends the file, after at least one batch. */
  end(): Promise<void>;
  /** Frees what it holds; the file stays incomplete. */
  abort(): void;
}
