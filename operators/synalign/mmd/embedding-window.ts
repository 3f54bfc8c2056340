import { fromBase64, toBase64 } from '../../../schemas/codec.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { Changes } from '../../flow/outcome.js';
import { storedCount } from '../../flow/stored-count.js';
import { FeatureSum } from '../../kernels/mmd/feature-sum.js';
import type { RandomFeatures } from '../../kernels/mmd/random-features.js';
import type { Points } from '../../kernels/points.js';

/** One window of embeddings. */
export interface EmbeddingWindowOptions {
  /** Starts its keys in the memory: `name/seen`, and `name/0`, `name/1`, ... for its slots. */
  readonly name: string;
  /** Embeddings kept: the newest ones. */
  readonly capacity: number;
  readonly dimensions: number;
  readonly memory: ReadonlyMap<string, unknown>;
  /**
   * Features of the newest embeddings that are kept, in numbers: 8 bytes each.
   * @default 4,194,304, which is 4,096 embeddings at 512 frequencies
   */
  readonly keptFeatures?: number;
}

const mostKept = 2 ** 22;

/**
 * The newest embeddings of a stream in a ring, with the sum of their features.
 *
 * `Float32Array [capacity, dimensions]`, and the features of as many of the newest as `keptFeatures` has room for; those of the others are
 * computed again when they are asked for, and when they leave.
 */
export class EmbeddingWindow {
  readonly #options: EmbeddingWindowOptions;
  readonly #ring: Float32Array;
  #seen: number;
  #features: RandomFeatures | undefined;
  #sum = new FeatureSum(0);
  /** Of embedding number n in row n modulo `#kept`. */
  #cache = new Float64Array(0);
  #kept = 0;
  #computed = new Float64Array(0);

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is not one that a window of this shape left. */
  constructor(options: EmbeddingWindowOptions) {
    const { name, capacity, dimensions, memory } = options;
    this.#options = options;
    this.#ring = new Float32Array(capacity * dimensions);
    this.#seen = storedCount(memory, `${name}/seen`, 0);
    for (let slot = 0; slot < this.size; slot++) this.#ring.set(this.#restored(slot), slot * dimensions);
  }

  /** Embeddings that it has room for. */
  get capacity(): number {
    return this.#options.capacity;
  }

  /** Embeddings that ever entered. */
  get seen(): number {
    return this.#seen;
  }

  /** Embeddings inside. */
  get size(): number {
    return Math.min(this.#seen, this.#options.capacity);
  }

  /** The number of the oldest embedding inside, which is `seen` where there is none. */
  get oldest(): number {
    return this.#seen - this.size;
  }

  /** The number of the oldest embedding whose features are kept. */
  get oldestKept(): number {
    return Math.max(this.oldest, this.#seen - this.#kept);
  }

  /** The slot of an embedding, by its number. */
  slotOf(number: number): number {
    return number % this.#options.capacity;
  }

  /** The slot of the oldest embedding inside. */
  get oldestSlot(): number {
    return this.#seen > this.size ? this.#seen % this.#options.capacity : 0;
  }

  /** The newest embeddings inside, oldest first: views of the ring. */
  *newest(count: number): Iterable<Float32Array> {
    const { size } = this;
    for (let age = Math.min(count, size); age > 0; age--) yield this.#at((this.#seen - age) % this.#options.capacity);
  }

  /** The sum of the features of what is inside; empty before `useFeatures`. */
  get sum(): FeatureSum {
    return this.#sum;
  }

  /** The embeddings inside, by slot; a view of the ring. */
  get points(): Points {
    const { dimensions } = this.#options;
    return { data: this.#ring.subarray(0, this.size * dimensions), size: this.size, dimensions };
  }

  /** The embedding of a number, if it is inside: a view of the ring. */
  embedding(number: number): Float32Array {
    this.#checkInside(number);
    return this.#at(this.slotOf(number));
  }

  /** The features of the embedding of a number, if it is inside, until the next call. Throws `RangeError` before `useFeatures`. */
  featuresOf(number: number): Float64Array {
    this.#checkInside(number);
    if (this.#features === undefined) throw new RangeError('the window has no features yet');
    if (number >= this.oldestKept) return this.#cached(number);
    this.#features.map(this.#at(this.slotOf(number)), this.#computed);
    return this.#computed;
  }

  /** Keeps the features of what is inside summed from now on. */
  useFeatures(features: RandomFeatures): void {
    const { capacity, keptFeatures = mostKept } = this.#options;
    const length = 2 * features.frequencies;
    this.#features = features;
    this.#kept = Math.min(capacity, Math.max(1, Math.floor(keptFeatures / length)));
    this.#cache = new Float64Array(this.#kept * length);
    this.#computed = new Float64Array(length);
    this.#sum = new FeatureSum(features.frequencies);
    for (let number = this.oldest; number < this.#seen; number++) this.#enter(features, number);
  }

  /** Lets an embedding in, and the oldest one out where the window is full. Returns the slot and what the memory must hold. */
  push(embedding: Float32Array): { readonly slot: number; readonly changes: Changes } {
    const { name, capacity, dimensions } = this.#options;
    const slot = this.slotOf(this.#seen);
    if (this.#features !== undefined && this.size === capacity) this.#sum.remove(this.featuresOf(this.oldest));
    this.#ring.set(embedding, slot * dimensions);
    if (this.#features !== undefined) this.#enter(this.#features, this.#seen);
    this.#seen++;
    const changes: Changes = [
      [`${name}/seen`, this.#seen],
      [`${name}/${slot}`, toBase64(embedding)],
    ];
    return { slot, changes };
  }

  #enter(features: RandomFeatures, number: number): void {
    const row = this.#cached(number);
    features.map(this.#at(this.slotOf(number)), row);
    this.#sum.add(row);
  }

  #cached(number: number): Float64Array {
    const length = this.#computed.length;
    const start = (number % this.#kept) * length;
    return this.#cache.subarray(start, start + length);
  }

  #checkInside(number: number): void {
    if (number >= this.oldest && number < this.#seen) return;
    throw new RangeError(`the window holds the embeddings ${this.oldest} to ${this.#seen - 1}, not ${number}`);
  }

  #at(slot: number): Float32Array {
    const { dimensions } = this.#options;
    return this.#ring.subarray(slot * dimensions, (slot + 1) * dimensions);
  }

  #restored(slot: number): Float32Array {
    const { name, dimensions, memory } = this.#options;
    const encoded = memory.get(`${name}/${slot}`);
    const embedding = typeof encoded === 'string' ? fromBase64(encoded) : undefined;
    if (embedding?.length === dimensions) return embedding;
    throw new HeadwaterError('record-invalid', `the memory lacks the embedding '${name}/${slot}', or it is cut`);
  }
}
