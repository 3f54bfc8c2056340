import type { Embedder } from '../../operators/embedder.js';
import type { Points } from '../../operators/kernels/points.js';
import { sharedFloats } from '../../operators/kernels/shared-floats.js';
import type { Table } from '../../streams/inputs/table.js';
import type { ChosenColumns } from './choose-columns.js';
import { embeddedRecords } from './embedded-records.js';
import { RecordReader } from './records.js';
import { type SkippedRecords, tooFewRecords } from './skips.js';

export interface ReadVectorsOptions {
  readonly columns: ChosenColumns;
  /** Null where the vectors are in the file. */
  readonly embedder: Embedder | null;
  /** The column of labels. @default none is read */
  readonly labels?: string;
  readonly signal: AbortSignal;
  readonly progress?: (records: number) => void;
}

/** A file as unit vectors, with what tells them apart. */
export interface FileVectors {
  readonly name: string;
  /** `data` is `Float32Array [size, dimensions]` in memory that threads share, each row of unit norm. */
  readonly points: Points;
  /** Of each point, its number among the rows of the file, from 0. */
  readonly rows: Uint32Array;
  /** Of each point; null where no column of labels was asked for. */
  readonly labels: readonly string[] | null;
  readonly skipped: SkippedRecords;
  /** Ready-made vectors that had to be scaled to unit norm. */
  readonly normalised: number;
}

/**
 * Reads a table's vectors, which are all that is held: 4 bytes a number, and up to twice that while they are read.
 *
 * Rejects with `input-unreadable` where the file has no record that can be used, and as `RecordReader` does.
 */
export async function readVectors(table: Table, options: ReadVectorsOptions): Promise<FileVectors> {
  const { columns, embedder, labels: labelColumn, signal, progress } = options;
  const reader = new RecordReader(table, columns, labelColumn ?? null);
  const rows: number[] = [];
  const labels: string[] = [];
  let dimensions = 0;
  let data = sharedFloats(0);
  for await (const batch of embeddedRecords(reader, embedder, signal)) {
    for (const { row, label, vector } of batch) {
      dimensions = vector.length;
      if (data.length < (rows.length + 1) * dimensions)
        data = grown(data, Math.max(1024, 2 * rows.length) * dimensions);
      data.set(vector, rows.length * dimensions);
      rows.push(row);
      if (label !== null) labels.push(label);
    }
    progress?.(rows.length);
  }
  if (rows.length === 0) throw tooFewRecords(table.name, reader.skips.summary);
  return {
    name: table.name,
    points: { data: data.subarray(0, rows.length * dimensions), size: rows.length, dimensions },
    rows: Uint32Array.from(rows),
    labels: labelColumn === undefined ? null : labels,
    skipped: reader.skips.summary,
    normalised: reader.normalised,
  };
}

function grown(data: Float32Array, length: number): Float32Array<SharedArrayBuffer> {
  const larger = sharedFloats(length);
  larger.set(data);
  return larger;
}
