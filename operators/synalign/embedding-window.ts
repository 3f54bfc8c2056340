import { fromBase64, toBase64 } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Changes } from '../flow/outcome.js';
import { storedCount } from '../flow/stored-count.js';
import { FeatureSum } from '../kernels/feature-sum.js';
import type { Points } from '../kernels/points.js';
import type { RandomFeatures } from '../kernels/random-features.js';

/** One window of embeddings. */
export interface EmbeddingWindowOptions {
  /** Starts its keys in the memory: `name/seen`, and `name/0`, `name/1`, ... for its slots. */
  readonly name: string;
  /** Embeddings kept: the newest ones. */
  readonly capacity: number;
  readonly dimensions: number;
  readonly memory: ReadonlyMap<string, unknown>;
}

/**
 * The newest embeddings of a stream in a ring, with the sum of their features.
 *
 * `Float32Array [capacity, dimensions]`; the features of what leaves are computed again, which is cheaper than keeping them.
 */
export class EmbeddingWindow {
  readonly #options: EmbeddingWindowOptions;
  readonly #ring: Float32Array;
  #seen: number;
  #features: RandomFeatures | undefined;
  #sum = new FeatureSum(0);
  #phi = new Float64Array(0);

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is not one that a window of this shape left. */
  constructor(options: EmbeddingWindowOptions) {
    const { name, capacity, dimensions, memory } = options;
    this.#options = options;
    this.#ring = new Float32Array(capacity * dimensions);
    this.#seen = storedCount(memory, `${name}/seen`, 0);
    for (let slot = 0; slot < this.size; slot++) this.#ring.set(this.#restored(slot), slot * dimensions);
  }

  /** Embeddings that ever entered. */
  get seen(): number {
    return this.#seen;
  }

  /** Embeddings inside. */
  get size(): number {
    return Math.min(this.#seen, this.#options.capacity);
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

  /** Keeps the features of what is inside summed from now on. */
  useFeatures(features: RandomFeatures): void {
    this.#features = features;
    this.#sum = new FeatureSum(features.frequencies);
    this.#phi = new Float64Array(2 * features.frequencies);
    this.#sum.rebuild(this.#featuresInside(features));
  }

  /** Lets an embedding in, and the oldest one out where the window is full. Returns the slot and what the memory must hold. */
  push(embedding: Float32Array): { readonly slot: number; readonly changes: Changes } {
    const { name, capacity, dimensions } = this.#options;
    const slot = this.#seen % capacity;
    if (this.#features !== undefined) this.#replace(this.#features, slot, embedding);
    this.#ring.set(embedding, slot * dimensions);
    this.#seen++;
    const changes: Changes = [
      [`${name}/seen`, this.#seen],
      [`${name}/${slot}`, toBase64(embedding)],
    ];
    return { slot, changes };
  }

  #replace(features: RandomFeatures, slot: number, embedding: Float32Array): void {
    if (this.size === this.#options.capacity) {
      features.map(this.#at(slot), this.#phi);
      this.#sum.remove(this.#phi);
    }
    features.map(embedding, this.#phi);
    this.#sum.add(this.#phi);
  }

  *#featuresInside(features: RandomFeatures): Iterable<Float64Array> {
    for (let slot = 0; slot < this.size; slot++) {
      features.map(this.#at(slot), this.#phi);
      yield this.#phi;
    }
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
