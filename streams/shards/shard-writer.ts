import { HeadwaterError } from '../../schemas/errors.js';
import { arrowFileEncoder } from './arrow-file.js';
import type { BatchEncoder } from './batch-encoder.js';
import { countRows } from './count-rows.js';
import { type ParquetCompression, parquetEncoder } from './parquet.js';
import type { RecordBatchBuilder } from './record-batch.js';
import { ShardFile } from './shard-file.js';

/** Rows of a row group or Arrow batch, at most. */
export const groupRows = 2500;
/** Bytes of rows in memory from which a row group or Arrow batch is closed. */
export const groupBytes = 16 * 2 ** 20;

export interface ShardFormat {
  readonly format: 'parquet' | 'arrow';
  /** Of Parquet; an Arrow file is never compressed, so that it can be mapped into memory. */
  readonly compression: ParquetCompression;
}

export interface FinishedFile {
  readonly rows: number;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/**
 * One shard file in the making, behind any format: rows in, a durable file with its hash out.
 *
 * Memory: one row group (`groupRows` rows or `groupBytes`). One call at a time.
 */
export class ShardWriter<Row> {
  readonly #encoder: BatchEncoder;
  #encodedRows = 0;
  #encodedBytes = 0;

  private constructor(
    private readonly batch: RecordBatchBuilder<Row>,
    private readonly file: ShardFile,
    private readonly format: ShardFormat,
  ) {
    this.#encoder =
      format.format === 'parquet'
        ? parquetEncoder(file, format.compression, { rows: groupRows, bytes: groupBytes })
        : arrowFileEncoder(file, batch.schema);
  }

  /**
   * Starts a file in `dir` under a temporary name that begins with `prefix`; `batch` is this writer's until it is finished.
   * Throws `HeadwaterError` with code `store-full` or `store-unwritable`.
   */
  static create<Row>(dir: string, prefix: string, batch: RecordBatchBuilder<Row>, format: ShardFormat) {
    batch.clear();
    return new ShardWriter<Row>(batch, ShardFile.create(dir, prefix), format);
  }

  get rows(): number {
    return this.#encodedRows + this.batch.rows;
  }

  /** What the rows take in memory: a function of the rows alone, whatever the compression makes of them. */
  get bytes(): number {
    return this.#encodedBytes + this.batch.bytes;
  }

  /**
   * Appends a row; where a promise comes back, it must resolve before the next call.
   * Throws `HeadwaterError` with code `value-unencodable`, and then nothing has changed.
   */
  append(row: Row): Promise<void> | undefined {
    this.batch.append(row);
    const closed = this.batch.rows >= groupRows || this.batch.bytes >= groupBytes;
    return closed ? this.#encode() : undefined;
  }

  /** Completes the file under its name, over a file that has it; resolves when it is durable. */
  async finish(name: string): Promise<FinishedFile> {
    if (this.batch.rows > 0 || this.rows === 0) await this.#encode();
    await this.#encoder.end();
    const sha256 = await this.file.seal();
    await this.#checkRows();
    await this.file.publish(name);
    return { rows: this.rows, bytes: this.file.bytes, sha256 };
  }

  /** Removes the temporary file, at once. */
  abort(): void {
    this.#encoder.abort();
    this.file.discard();
  }

  async #encode(): Promise<void> {
    const { rows, bytes } = this.batch;
    await this.#encoder.encode(this.batch.batch());
    this.#encodedRows += rows;
    this.#encodedBytes += bytes;
    this.batch.clear();
  }

  /** The Parquet writer swallows errors of single batches, which only the finished file tells. */
  async #checkRows(): Promise<void> {
    const rows = await countRows(this.file.temporaryPath, this.format.format);
    if (rows === this.rows) return;
    throw new HeadwaterError('shard-damaged', `the encoder wrote ${rows} of ${this.rows} rows; report this as a bug`);
  }
}
