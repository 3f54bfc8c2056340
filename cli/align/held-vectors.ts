import type { Points } from '../../operators/kernels/points.js';
import { type Random, randomFrom } from '../../operators/kernels/random.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { VectorRecord } from './vector-batches.js';

/**
 * Records in memory with their vectors: all of them, or of more than `most` a uniform sample without replacement.
 *
 * Algorithm R (Vitter 1985), by a seed. `Float32Array [kept, dimensions]`, doubled as it fills.
 */
export class HeldVectors {
  readonly #random: Random;
  #data = new Float32Array(0);
  #dimensions = 0;
  readonly rows: number[] = [];
  readonly labels: (string | undefined)[] = [];
  #seen = 0;

  constructor(
    private readonly most: number,
    seed: number,
  ) {
    this.#random = randomFrom(seed);
  }

  /** Records that ever came. */
  get seen(): number {
    return this.#seen;
  }

  get size(): number {
    return this.rows.length;
  }

  get points(): Points {
    const dimensions = this.#dimensions;
    return { data: this.#data.subarray(0, this.size * dimensions), size: this.size, dimensions };
  }

  add({ row, vector, label }: VectorRecord): void {
    if (this.#seen === 0) this.#dimensions = vector.length;
    this.#seen++;
    const at = this.size < this.most ? this.size : this.#random.below(this.#seen);
    if (at >= this.most) return;
    if (at === this.size) this.#reserve(at + 1);
    this.#data.set(vector, at * this.#dimensions);
    this.rows[at] = row;
    this.labels[at] = label;
  }

  /** The places of a label's records; of all where it is undefined. */
  placesOf(label: string | undefined): Uint32Array {
    const places = this.labels.flatMap((own, at) => (label === undefined || own === label ? [at] : []));
    return Uint32Array.from(places);
  }

  /** The vectors at these places, copied. */
  pointsAt(places: Uint32Array): Points {
    if (places.length === this.size) return this.points;
    const dimensions = this.#dimensions;
    const data = new Float32Array(places.length * dimensions);
    for (const [i, at] of places.entries()) {
      data.set(this.#data.subarray(at * dimensions, (at + 1) * dimensions), i * dimensions);
    }
    return { data, size: places.length, dimensions };
  }

  #reserve(records: number): void {
    if (records * this.#dimensions <= this.#data.length) return;
    const data = new Float32Array(Math.min(this.most, Math.max(1024, 2 * records)) * this.#dimensions);
    data.set(this.#data);
    this.#data = data;
  }
}

/** Throws `input-unreadable` where the vectors of two files cannot be compared. */
export function checkDimensions(real: string, a: Points, candidates: string, b: Points): void {
  if (a.dimensions === b.dimensions) return;
  throw new HeadwaterError(
    'input-unreadable',
    `the vectors of ${real} have ${a.dimensions} numbers and those of ${candidates} ${b.dimensions}: use one model for both`,
  );
}
