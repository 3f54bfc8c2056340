import { schemaId } from '../../schemas/arrow.js';
import type { Domain } from '../../schemas/domain.js';
import type { Sample } from '../../schemas/sample.js';
import type { Shard } from '../../schemas/shard.js';
import type { Position } from '../stage/stage.js';
import type { RecordBatchBuilder } from './record-batch.js';
import { sampleBatch } from './sample-batch.js';
import { shardName, shardPrefix } from './shard-folder.js';
import { ShardSummary } from './shard-summary.js';
import { type ShardFormat, ShardWriter } from './shard-writer.js';

export interface ShardMakerOptions extends ShardFormat {
  readonly dir: string;
  readonly domain: Domain;
  readonly dimensions: number | null;
  readonly lane: number;
}

/** Makes a lane's shards one after the other: the file and the record that describes it. One call at a time. */
export class ShardMaker {
  readonly #batch: RecordBatchBuilder<Sample>;
  readonly #schemaId: string;
  #writer: ShardWriter<Sample> | undefined;
  #summary = new ShardSummary();

  constructor(private readonly options: ShardMakerOptions) {
    this.#batch = sampleBatch(options.domain, options.dimensions);
    this.#schemaId = schemaId(this.#batch.schema);
  }

  /** What the rows of the shard in progress take in memory. */
  get bytes(): number {
    return this.#writer?.bytes ?? 0;
  }

  /**
   * Adds a sample to the shard in progress, or to a new one; where a promise comes back, it must resolve before the next
   * call. Throws `HeadwaterError` with code `value-unencodable`, and then nothing has changed.
   */
  add(sample: Sample, position: Position): Promise<void> | undefined {
    const { dir, lane } = this.options;
    this.#writer ??= ShardWriter.create(dir, shardPrefix(lane), this.#batch, this.options);
    const added = this.#writer.append(sample);
    this.#summary.add(sample, position);
    return added;
  }

  /** Completes the shard in progress, which must have a sample; resolves when its file is durable. */
  async finish(closedBy: Shard['closedBy'], mmd2: number | null): Promise<Shard> {
    if (this.#writer === undefined) throw new TypeError('ShardMaker: there is no shard in progress');
    const { lane, format } = this.options;
    const { first, last } = this.#summary.span;
    const path = shardName(lane, first, last, format);
    const file = await this.#writer.finish(path);
    const made: Shard = {
      kind: 'shard',
      ...this.#summary.describe(path, mmd2),
      lane,
      path,
      format,
      encoder: format === 'parquet' ? 'columnar' : 'ipc',
      ...file,
      schemaId: this.#schemaId,
      closedBy,
    };
    this.#writer = undefined;
    this.#summary = new ShardSummary();
    return made;
  }

  /** Removes the file of the shard in progress, at once. */
  abort(): void {
    this.#writer?.abort();
    this.#writer = undefined;
  }
}
