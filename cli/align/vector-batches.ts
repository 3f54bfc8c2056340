import type { Embedder } from '../../operators/embedder.js';
import type { Table } from '../../streams/inputs/table.js';
import type { ChosenColumns } from '../files/choose-columns.js';
import { embeddedRecords } from '../files/embedded-records.js';
import type { VectorRecord } from '../files/held-vectors.js';
import { RecordReader } from '../files/records.js';
import type { SkippedRecords } from '../files/skips.js';

export interface VectorReading {
  readonly columns: ChosenColumns;
  /** Null where the vectors are in the file. */
  readonly embedder: Embedder | null;
  /** The column of labels; null where none is read. */
  readonly labels: string | null;
  readonly signal: AbortSignal;
  readonly progress: (records: number) => void;
}

/** The records of a table with their unit vectors, one batch at a time; those without a direction are skipped. */
export class VectorBatches {
  readonly #reader: RecordReader;

  constructor(
    private readonly table: Table,
    private readonly reading: VectorReading,
  ) {
    this.#reader = new RecordReader(table, reading.columns, reading.labels);
  }

  get name(): string {
    return this.table.name;
  }

  get skipped(): SkippedRecords {
    return this.#reader.skips.summary;
  }

  /** Vectors so far that had another norm than 1. */
  get normalised(): number {
    return this.#reader.normalised;
  }

  /** Once only. Rejects as `RecordReader` does, and with the signal's reason. */
  async *batches(): AsyncGenerator<readonly VectorRecord[]> {
    const { embedder, signal, progress } = this.reading;
    let read = 0;
    for await (const batch of embeddedRecords(this.#reader, embedder, signal)) {
      read += batch.length;
      progress(read);
      yield batch.map(({ row, vector, label }) => ({ row, vector, label: label ?? undefined }));
    }
  }
}
