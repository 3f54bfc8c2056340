import { recordId } from '../../schemas/ids.js';
import type { Sample } from '../../schemas/sample.js';
import type { Shard } from '../../schemas/shard.js';
import type { Position } from '../stage/stage.js';

type Range = { topic: string; partition: number; first: number; last: number };
type Described = Pick<Shard, 'id' | 'offsets' | 'statistics' | 'lineage' | 'createdAt'>;

/** What a shard's record says of its samples, gathered one by one. Memory: a vector, and what differs in them. */
export class ShardSummary {
  #rows = 0;
  #firstId = '';
  #lastId = '';
  #createdAt = 0;
  readonly #ranges = new Map<string, Range>();
  readonly #labels = new Map<string, number>();
  readonly #cosine = new MeanCosine();
  readonly #models = new Set<string>();
  readonly #promptIds = new Set<string>();
  #promptTokens = 0;
  #completionTokens = 0;
  #cost: number | null = 0;

  add(sample: Sample, position: Position): void {
    if (this.#rows === 0) this.#firstId = sample.id;
    this.#rows += 1;
    this.#lastId = sample.id;
    // The newest sample's time, not the clock's, so that a replay makes the same record.
    this.#createdAt = Math.max(this.#createdAt, sample.createdAt);
    this.#extend(position);
    if (sample.label !== undefined) this.#labels.set(sample.label, (this.#labels.get(sample.label) ?? 0) + 1);
    this.#cosine.add(sample.embedding);
    const { models, promptIds, promptTokens, completionTokens, cost } = sample.lineage;
    for (const model of models) this.#models.add(model);
    for (const promptId of promptIds) this.#promptIds.add(promptId);
    this.#promptTokens += promptTokens;
    this.#completionTokens += completionTokens;
    this.#cost = this.#cost === null || cost === null ? null : this.#cost + cost;
  }

  /** The lowest first and the highest last offset, which name the file. */
  get span(): { readonly first: number; readonly last: number } {
    const ranges = [...this.#ranges.values()];
    return {
      first: Math.min(...ranges.map((range) => range.first)),
      last: Math.max(...ranges.map((range) => range.last)),
    };
  }

  describe(path: string, mmd2: number | null): Described {
    return {
      id: recordId('shard', path, this.#firstId, this.#lastId),
      offsets: [...this.#ranges.values()],
      statistics: { labels: Object.fromEntries(this.#labels), meanCosine: this.#cosine.mean(), mmd2 },
      lineage: {
        models: [...this.#models].sort(),
        promptIds: [...this.#promptIds].sort(),
        promptTokens: this.#promptTokens,
        completionTokens: this.#completionTokens,
        cost: this.#cost,
      },
      createdAt: this.#createdAt,
    };
  }

  #extend({ topic, partition, offset }: Position): void {
    const key = `${partition} ${topic}`;
    const range = this.#ranges.get(key);
    if (range === undefined) {
      this.#ranges.set(key, { topic, partition, first: offset, last: offset });
      return;
    }
    range.first = Math.min(range.first, offset);
    range.last = Math.max(range.last, offset);
  }
}

/**
 * The mean cosine over all pairs of unit vectors from their running sum S: (|S|^2 - sum |x|^2) / (n (n - 1)).
 * Null for less than two vectors, or where one is missing or of another length.
 */
class MeanCosine {
  #sum: Float64Array | undefined;
  #squares = 0;
  #count = 0;
  #complete = true;

  add(vector: Float32Array | undefined): void {
    this.#sum ??= vector === undefined ? undefined : new Float64Array(vector.length);
    if (vector === undefined || this.#sum?.length !== vector.length) {
      this.#complete = false;
      return;
    }
    this.#count += 1;
    for (let index = 0; index < vector.length; index += 1) {
      const value = vector[index] ?? 0;
      this.#sum[index] = (this.#sum[index] ?? 0) + value;
      this.#squares += value * value;
    }
  }

  mean(): number | null {
    if (!this.#complete || this.#count < 2) return null;
    let square = 0;
    for (const value of this.#sum ?? []) square += value * value;
    return (square - this.#squares) / (this.#count * (this.#count - 1));
  }
}
