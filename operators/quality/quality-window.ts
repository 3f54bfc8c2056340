import { HeadwaterError } from '../../schemas/errors.js';
import { storedCount } from '../flow/stored-count.js';
import { CosineSum, isZero } from '../kernels/diversity/cosine-sum.js';
import { Coverage, topicCells } from '../kernels/diversity/coverage.js';
import { nearestCosine } from '../kernels/diversity/nearest.js';
import { SecondMoment } from '../kernels/diversity/second-moment.js';
import type { Points } from '../kernels/points.js';
import { DistinctGrams } from './distinct-grams.js';
import { packed, unpackedFloat32, unpackedUint32 } from './packed.js';

export interface QualityWindowOptions {
  /** Samples kept: the newest ones. */
  readonly capacity: number;
  readonly dimensions: number;
  /** Of the topic cells. */
  readonly seed: number;
  readonly memory: ReadonlyMap<string, unknown>;
}

/** What a sample was before it was refined. */
export interface Before {
  readonly embedding: Float32Array;
  /** Share of its characters that were rewritten. */
  readonly editDistance: number;
}

/** What the window keeps of a sample. */
export interface Measured {
  readonly ordinal: number;
  readonly embedding: Float32Array;
  /** `wordHashes` of its text. */
  readonly words: Uint32Array;
  readonly label: string | undefined;
  readonly before: Before | undefined;
}

interface Slot extends Measured {
  readonly topic: number | undefined;
  /** Cosine to the nearest in the window when it came; null for a first one. */
  readonly nearest: number | null;
}

/** A slot as it is kept in the memory. */
interface StoredSlot {
  readonly ordinal: number;
  readonly embedding: string;
  readonly words: string;
  readonly nearest: number | null;
  readonly label?: string;
  /** Empty where it is the sample's own embedding. */
  readonly draft?: string;
  readonly editDistance?: number;
}

/**
 * The newest samples of a stream in a ring, with all that is summed over them.
 *
 * A sample costs an exact scan of the window for its nearest neighbour, O(capacity x dimensions), and a rank-one update of the second
 * moment, O(dimensions^2 / 2). Memory: up to three `Float32Array [dimensions]` a sample (in the ring, its own, its draft's), up to 1,024
 * word hashes a sample with their counts, and the moment. Sums are exact, so that a window that is built again from its slots gives the
 * same figures to the last bit.
 */
export class QualityWindow {
  readonly #options: QualityWindowOptions;
  readonly #ring: Float32Array;
  readonly #slots: Slot[] = [];
  readonly #cellOf: (vector: Float32Array) => number;
  #seen: number;
  readonly cosine: CosineSum;
  readonly moment: SecondMoment;
  readonly words = new DistinctGrams(1);
  readonly wordPairs = new DistinctGrams(2);
  readonly labels = new Coverage();
  readonly topics = new Coverage();

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is not one that a window of this shape left. */
  constructor(options: QualityWindowOptions) {
    const { capacity, dimensions, seed, memory } = options;
    this.#options = options;
    this.#ring = new Float32Array(capacity * dimensions);
    this.#cellOf = topicCells({ dimensions, seed });
    this.cosine = new CosineSum(dimensions);
    this.moment = new SecondMoment(dimensions);
    this.#seen = storedCount(memory, 'seen', 0);
    for (let slot = 0; slot < this.size; slot++) this.#enter(slot, this.#restored(slot));
  }

  /** Samples that ever entered. */
  get seen(): number {
    return this.#seen;
  }

  /** Samples inside. */
  get size(): number {
    return Math.min(this.#seen, this.#options.capacity);
  }

  /** What is inside, by slot. */
  get slots(): readonly Slot[] {
    return this.#slots;
  }

  /** The oldest sample inside. */
  get oldest(): Slot | undefined {
    return this.#slots[this.#seen > this.size ? this.#seen % this.#options.capacity : 0];
  }

  /** The newest embeddings, oldest first. Throws `RangeError` where as many are not inside. */
  *newest(count: number): Iterable<Float32Array> {
    if (count > this.size) throw new RangeError(`the window holds ${this.size} samples, not ${count}`);
    for (let age = count; age > 0; age--) {
      const slot = this.#slots[(this.#seen - age) % this.#options.capacity];
      if (slot !== undefined) yield slot.embedding;
    }
  }

  /** Lets a sample in, and the oldest one out where the window is full. Returns what the memory must hold. */
  push(measured: Measured): readonly (readonly [string, unknown])[] {
    const number = this.#seen % this.#options.capacity;
    const nearest = isZero(measured.embedding) ? null : this.#nearestTo(measured.embedding);
    const old = this.#slots[number];
    if (old !== undefined) this.#leave(old);
    const slot: Slot = { ...measured, nearest, topic: this.#topicOf(measured.embedding) };
    this.#seen++;
    this.#enter(number, slot);
    return [
      ['seen', this.#seen],
      [`slot/${number}`, stored(slot)],
    ];
  }

  #nearestTo(embedding: Float32Array): number | null {
    if (this.cosine.size === 0) return null;
    return nearestCosine(this.#points, embedding);
  }

  get #points(): Points {
    const { dimensions } = this.#options;
    return { data: this.#ring.subarray(0, this.size * dimensions), size: this.size, dimensions };
  }

  #topicOf(embedding: Float32Array): number | undefined {
    return isZero(embedding) ? undefined : this.#cellOf(embedding);
  }

  #enter(number: number, slot: Slot): void {
    const { embedding, words, label, topic } = slot;
    this.#slots[number] = slot;
    const row = this.#ring.subarray(number * embedding.length, (number + 1) * embedding.length);
    // nothing is near a text without tokens: no comparison with NaN holds
    if (isZero(embedding)) row.fill(Number.NaN);
    else row.set(embedding);
    this.cosine.add(embedding);
    this.moment.add(embedding);
    this.words.add(words);
    this.wordPairs.add(words);
    if (label !== undefined) this.labels.add(label);
    if (topic !== undefined) this.topics.add(topic);
  }

  #leave({ embedding, words, label, topic }: Slot): void {
    this.cosine.remove(embedding);
    this.moment.remove(embedding);
    this.words.remove(words);
    this.wordPairs.remove(words);
    if (label !== undefined) this.labels.remove(label);
    if (topic !== undefined) this.topics.remove(topic);
  }

  #restored(number: number): Slot {
    const { memory, dimensions } = this.#options;
    const slot = memory.get(`slot/${number}`);
    if (!isStored(slot)) {
      throw new HeadwaterError('record-invalid', `the memory lacks the measured sample 'slot/${number}', or it is cut`);
    }
    const { ordinal, nearest, label, draft, editDistance = 0 } = slot;
    const embedding = unpackedFloat32(slot.embedding, dimensions);
    const before =
      draft === undefined
        ? undefined
        : { embedding: draft === '' ? embedding : unpackedFloat32(draft, dimensions), editDistance };
    const words = unpackedUint32(slot.words);
    return { ordinal, embedding, words, label, before, nearest, topic: this.#topicOf(embedding) };
  }
}

function stored({ ordinal, embedding, words, nearest, label, before }: Slot): StoredSlot {
  const draft = before?.embedding === embedding ? '' : before && packed(before.embedding);
  return {
    ordinal,
    embedding: packed(embedding),
    words: packed(words),
    nearest,
    ...(label !== undefined && { label }),
    ...(before !== undefined && draft !== undefined && { draft, editDistance: before.editDistance }),
  };
}

function isStored(value: unknown): value is StoredSlot {
  if (typeof value !== 'object' || value === null) return false;
  const { ordinal, nearest, label, draft, editDistance } = value as Partial<Record<keyof StoredSlot, unknown>>;
  return (
    typeof ordinal === 'number' &&
    (nearest === null || typeof nearest === 'number') &&
    (label === undefined || typeof label === 'string') &&
    (draft === undefined || typeof draft === 'string') &&
    (editDistance === undefined || typeof editDistance === 'number')
  );
}
