import type { Embedder } from '../../operators/embedder.js';
import { hashUint32 } from '../../operators/kernels/random.js';
import { printOf, TextSummary } from '../../operators/quality/text-summary.js';
import { VectorSummary } from '../../operators/quality/vector-summary.js';
import type { Table } from '../../streams/inputs/table.js';
import type { ChosenColumns } from '../files/choose-columns.js';
import { type EmbeddedRecord, embeddedRecords } from '../files/embedded-records.js';
import { RecordReader } from '../files/records.js';
import { type SkippedRecords, tooFewRecords } from '../files/skips.js';

export interface ReadingOptions {
  readonly columns: ChosenColumns;
  /** Null where the vectors are in the file. */
  readonly embedder: Embedder | null;
  /** Records in the sample for pairs. */
  readonly sample: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** The texts that copies are looked for among; left out for the real records. */
  readonly real?: TextSummary | null;
  readonly progress: (records: number) => void;
}

/** A file that was read to its end. */
export interface FileReading {
  readonly name: string;
  readonly skipped: SkippedRecords;
  readonly normalised: number;
  /** Null where only vectors are compared. */
  readonly texts: TextSummary | null;
  readonly vectors: VectorSummary;
  /** Texts that are one of the real ones, or near one. */
  readonly copies: { readonly exact: number; readonly near: number };
}

/**
 * Reads a table record by record; what it keeps is a sample of vectors and the sums and sets of its summaries.
 *
 * The next batch is embedded while one is taken in. Rejects with `input-unreadable` where fewer than two records can be compared.
 */
export async function readFigures(table: Table, options: ReadingOptions): Promise<FileReading> {
  const reader = new RecordReader(table, options.columns);
  const taking = new Taking(reader, options);
  for await (const batch of embeddedRecords(reader, options.embedder, options.signal)) taking.take(batch);
  return taking.end(table.name);
}

class Taking {
  readonly #texts: TextSummary | null;
  #vectors: VectorSummary | undefined;
  #exact = 0;
  #near = 0;

  constructor(
    private readonly reader: RecordReader,
    private readonly options: ReadingOptions,
  ) {
    this.#texts = options.columns.fields.length > 0 ? new TextSummary() : null;
  }

  take(records: readonly EmbeddedRecord[]): void {
    for (const { text, vector } of records) {
      this.#vectors ??= this.#summaryOf(vector.length);
      this.#vectors.add(vector);
      if (this.#texts !== null) this.#takeText(text, this.#texts);
    }
    this.options.progress(this.#vectors?.count ?? 0);
  }

  /** Each side draws with a seed of its own: with one seed, files of one length would keep the same rows. */
  #summaryOf(dimensions: number): VectorSummary {
    const { sample, seed, real } = this.options;
    return new VectorSummary({
      dimensions,
      sample,
      seed: hashUint32(seed, real === undefined ? 'real' : 'synthetic'),
    });
  }

  end(name: string): FileReading {
    const { reader } = this;
    const skipped = reader.skips.summary;
    const vectors = this.#vectors;
    if (vectors === undefined || vectors.count < 2) {
      const have = `${vectors?.count ?? 0} records to compare, and at least 2 are needed`;
      throw tooFewRecords(name, skipped, have);
    }
    return {
      name,
      skipped,
      normalised: reader.normalised,
      texts: this.#texts,
      vectors,
      copies: { exact: this.#exact, near: this.#near },
    };
  }

  #takeText(text: string, texts: TextSummary): void {
    const print = printOf(text, texts);
    texts.add(print);
    const likeness = this.options.real?.likeness(print);
    if (likeness === 'same') this.#exact += 1;
    if (likeness === 'near') this.#near += 1;
  }
}
