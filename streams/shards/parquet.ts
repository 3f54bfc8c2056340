import { type RecordBatch, RecordBatchStreamWriter } from 'apache-arrow';
import {
  Compression,
  EnabledStatistics,
  transformParquetStream,
  type RecordBatch as WasmBatch,
  Table as WasmTable,
  type WriterProperties,
  WriterPropertiesBuilder,
} from 'parquet-wasm';

import type { BatchEncoder } from './batch-encoder.js';
import type { ShardFile } from './shard-file.js';

export type ParquetCompression = 'zstd' | 'snappy' | 'none';

const codecs = { zstd: Compression.ZSTD, snappy: Compression.SNAPPY, none: Compression.UNCOMPRESSED };

/** Bounds of a row group, which is held in memory. */
export interface RowGroup {
  readonly rows: number;
  /** As encoded. */
  readonly bytes: number;
}

/**
 * Record batches to Parquet: Arrow buffers into arrow-rs in WebAssembly, which holds one row group.
 *
 * The embedded Arrow schema lets Arrow readers see fixed-size lists and time zones.
 */
export function parquetEncoder(file: ShardFile, compression: ParquetCompression, rowGroup: RowGroup): BatchEncoder {
  const source = new BatchSource();
  let discarded = false;
  let written: Promise<void> | undefined;

  async function write(): Promise<void> {
    const bytes: ReadableStream<Uint8Array> = await transformParquetStream(
      source.readable,
      properties(compression, rowGroup),
    );
    for await (const chunk of bytes) if (!discarded) await file.write(chunk);
  }

  return {
    encode: async (batch) => {
      if (written === undefined) {
        written = write();
        // A failure is met by the call that waits for it, which may come later.
        written.catch(() => undefined);
      }
      for (const part of inWasm(batch)) await Promise.race([source.push(part), written]);
    },
    end: async () => {
      source.close();
      await written;
    },
    abort: () => {
      discarded = true;
      source.close();
    },
  };
}

/** Something that is said once. */
class Signal {
  give: () => void = () => undefined;
  readonly given = new Promise<void>((resolve) => {
    this.give = resolve;
  });
}

/** Hands batches to a reader one at a time. */
class BatchSource {
  #controller: ReadableStreamDefaultController<WasmBatch> | undefined;
  #asked = new Signal();
  #open = true;
  readonly readable: ReadableStream<WasmBatch>;

  constructor() {
    this.readable = new ReadableStream<WasmBatch>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#asked.give(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Resolves when the batch was taken in and the next one is asked for. */
  async push(batch: WasmBatch): Promise<void> {
    await this.#asked.given;
    if (!this.#open) return batch.free();
    this.#asked = new Signal();
    this.#controller?.enqueue(batch);
    await this.#asked.given;
  }

  close(): void {
    if (this.#open) this.#controller?.close();
    this.#open = false;
  }
}

/** A batch copied into the memory of WebAssembly. */
function inWasm(batch: RecordBatch): readonly WasmBatch[] {
  // Only the stream format: arrow-rs fails on the file format and keeps its memory.
  const stream = RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true);
  const table = WasmTable.fromIPCStream(stream);
  try {
    return table.recordBatches();
  } finally {
    // Without this, the memory of WebAssembly grows with every batch.
    table.free();
  }
}

/** Properties for one writer, which consumes them: a second one would silently write without compression. */
function properties(compression: ParquetCompression, rowGroup: RowGroup): WriterProperties {
  return (
    new WriterPropertiesBuilder()
      .setCreatedBy('headwater')
      .setCompression(codecs[compression])
      // Dictionaries inflate embeddings and texts that differ; of the columns, only labels repeat.
      .setDictionaryEnabled(false)
      .setColumnDictionaryEnabled('label', true)
      .setStatisticsEnabled(EnabledStatistics.Chunk)
      .setMaxRowGroupSize(rowGroup.rows)
      .setMaxRowGroupBytes(rowGroup.bytes)
      .build()
  );
}
