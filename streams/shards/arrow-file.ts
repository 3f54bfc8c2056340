import { AsyncByteQueue, type RecordBatch, RecordBatchFileWriter, type Schema } from 'apache-arrow';

import type { BatchEncoder } from './batch-encoder.js';
import type { ShardFile } from './shard-file.js';

/** Record batches to an Arrow IPC file, uncompressed, so that a reader can map it into memory. */
export function arrowFileEncoder(file: ShardFile, schema: Schema): BatchEncoder {
  const pieces = new Pieces();
  const writer = new RecordBatchFileWriter();
  writer.reset(pieces, schema);
  return {
    encode: (batch: RecordBatch) => {
      writer.write(batch);
      return file.write(pieces.take());
    },
    end: () => {
      writer.finish();
      return file.write(pieces.take());
    },
    abort: () => undefined,
  };
}

/** Takes what the Arrow writer writes, at once and in many small pieces. */
class Pieces extends AsyncByteQueue {
  #pieces: Uint8Array[] = [];

  override write(piece: ArrayBufferView): void {
    if (piece.byteLength > 0) this.#pieces.push(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
  }

  take(): Uint8Array {
    const joined = Buffer.concat(this.#pieces);
    this.#pieces = [];
    return joined;
  }
}
