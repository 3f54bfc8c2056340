import type { Embedder } from '../../operators/embedder.js';
import type { Points } from '../../operators/kernels/points.js';
import type { Table } from '../../streams/inputs/table.js';
import type { ChosenColumns } from './choose-columns.js';
import { embeddedRecords } from './embedded-records.js';
import { HeldVectors } from './held-vectors.js';
import { RecordReader } from './records.js';
import { type SkippedRecords, tooFewRecords } from './skips.js';

export interface ReadVectorsOptions {
  readonly columns: ChosenColumns;
  /** Null where the vectors are in the file. */
  readonly embedder: Embedder | null;
  /** The column of labels. @default none is read */
  readonly labels?: string;
  /** Records that are held at most. @default all */
  readonly sample?: number;
  /** Of the draw of those that are held. @default 0 */
  readonly seed?: number;
  readonly signal: AbortSignal;
  readonly progress?: (records: number) => void;
}

/** A file as unit vectors, with what tells them apart; of more records than are held, a sample. */
export interface FileVectors {
  readonly name: string;
  /** Records that could be used, held or not. */
  readonly seen: number;
  /** `data` is `Float32Array [size, dimensions]` in memory that threads share, each row of unit norm. */
  readonly points: Points;
  /** Of each point, its number among the rows of the file, from 0; rising where all are held. */
  readonly rows: Uint32Array;
  /** Of each point; null where no column of labels was asked for. */
  readonly labels: readonly string[] | null;
  /** Records that could be used, of each label; empty where none was asked for. */
  readonly counts: ReadonlyMap<string, number>;
  readonly skipped: SkippedRecords;
  /** Ready-made vectors that had to be scaled to unit norm. */
  readonly normalised: number;
}

/**
 * Reads a table's vectors, which are all that is held: 4 bytes a number, and up to twice that while they are read.
 *
 * Of more than `sample` records, these are drawn by the seed as `HeldVectors` does: uniformly, or with labels uniformly within each. Rejects with
 * `input-unreadable` where the file has no record that can be used, and as `RecordReader` does.
 */
export async function readVectors(table: Table, options: ReadVectorsOptions): Promise<FileVectors> {
  const {
    columns,
    embedder,
    labels: labelColumn,
    sample = Number.POSITIVE_INFINITY,
    seed = 0,
    signal,
    progress,
  } = options;
  const reader = new RecordReader(table, columns, labelColumn ?? null);
  const held = new HeldVectors(sample, seed);
  for await (const batch of embeddedRecords(reader, embedder, signal)) {
    for (const { row, label, vector } of batch) held.add({ row, label: label ?? undefined, vector });
    progress?.(held.seen);
  }
  if (held.size === 0) throw tooFewRecords(table.name, reader.skips.summary);
  return {
    name: table.name,
    seen: held.seen,
    points: held.points,
    rows: Uint32Array.from(held.rows),
    labels: labelColumn === undefined ? null : held.labels.map((label = '') => label),
    counts: new Map([...held.counts].flatMap(([label, count]) => (label === undefined ? [] : [[label, count]]))),
    skipped: reader.skips.summary,
    normalised: reader.normalised,
  };
}
