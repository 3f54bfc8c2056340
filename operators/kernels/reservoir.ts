import type { Points } from './points.js';
import { type Random, randomFrom } from './random.js';
import { sharedFloats } from './shared-floats.js';

const firstCapacity = 256;

/**
 * A uniform sample without replacement of the vectors that came, of at most `size`: all of them where fewer came.
 *
 * Algorithm R (Vitter 1985): which ones stay depends on the seed and their order alone. Memory: `Float32Array [kept, dimensions]`,
 * doubled as it fills.
 */
export class Reservoir {
  readonly #random: Random;
  #data: Float32Array;
  #kept = 0;
  #seen = 0;

  constructor(
    readonly dimensions: number,
    readonly size: number,
    seed: number,
  ) {
    if (!Number.isInteger(size) || size < 1) throw new TypeError(`size: expected an integer from 1, got ${size}`);
    this.#random = randomFrom(seed);
    this.#data = sharedFloats(Math.min(firstCapacity, size) * dimensions);
  }

  /** A copy of the vector `[dimensions]` comes in, or it is passed over. */
  add(vector: Float32Array): void {
    if (vector.length !== this.dimensions) {
      throw new TypeError(`vector: expected ${this.dimensions} numbers, got ${vector.length}`);
    }
    this.#seen += 1;
    const row = this.#kept < this.size ? this.#kept : this.#random.below(this.#seen);
    if (row >= this.size) return;
    if (row === this.#kept) this.#kept += 1;
    if (this.#kept * this.dimensions > this.#data.length) this.#grow();
    this.#data.set(vector, row * this.dimensions);
  }

  /** The sample so far; the array is the reservoir's own, in memory that threads share. */
  get points(): Points {
    const { dimensions } = this;
    return { data: this.#data.subarray(0, this.#kept * dimensions), size: this.#kept, dimensions };
  }

  #grow(): void {
    const rows = Math.min(this.size, (2 * this.#data.length) / this.dimensions);
    const data = sharedFloats(rows * this.dimensions);
    data.set(this.#data);
    this.#data = data;
  }
}
