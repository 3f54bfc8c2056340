import { randomFrom } from '../random.js';
import { Chains } from './chains.js';

export interface CosineIndexOptions {
  /** Cosine from which a kept vector is found, in [0.7, 1]. */
  readonly threshold: number;
  /** Vectors kept: the newest ones. Each takes `dimensions` + 10 bytes and 4 bytes a table; arrays grow up to it. */
  readonly capacity: number;
  readonly dimensions: number;
  /** Of the random planes. */
  readonly seed: number;
}

/** A vector as it is kept and compared. */
export interface VectorSketch {
  /** `Int8Array [dimensions]`: the vector times 127 over its largest component. All zeros for a vector of zeros. */
  readonly values: Int8Array;
  /** Euclidean, of `values`; 0 for a vector of zeros. */
  readonly norm: number;
  /** `Uint16Array [tables]`: the side of each plane of a table on which the vector lies, a bit a plane. */
  readonly sides: Uint16Array;
}

/** A kept vector that is close to the one asked for. */
export interface CloseVector {
  /** Of the kept vector, from 0, in the order in which vectors were added. */
  readonly number: number;
  /** Of the two vectors as they are kept: within 0.005 of that of the vectors. */
  readonly cosine: number;
}

/** The chance with which vectors just at the threshold share a table's bucket, at least. */
const leastMet = 0.98;
const maxTables = 32;
/** Different vectors that a question compares with at most, the newest of each bucket first. */
const maxCompared = 5000;
const leastSlots = 1024;
/** Questions after which marks are wiped, as those that 16 bits tell apart are used up. */
const questionsToTell = 2 ** 16 - 1;

/**
 * Finds kept vectors whose cosine with a given one is at least a threshold: random hyperplanes (Charikar 2002) in several tables.
 *
 * Vectors whose angle is a share a of half a turn are on the same side of a random plane with chance 1 - a; those that share all
 * planes of a table are compared, on 8-bit components. At a cosine of 0.95: 16 planes in 20 tables, and a vector just at the
 * threshold is found with a chance of at least 0.98, one at 0.97 with 0.999. Where more than 5,000 kept vectors share a bucket
 * with the one asked for, the newest are compared and the others missed. Depends on the kept vectors alone, not on when they
 * came back from a memory.
 *
 * Memory: capacity x (dimensions + 10 + 4 x tables) bytes, 35 MB for 100,000 of 256 at 0.95, and 256 KiB a table.
 */
export class CosineIndex {
  readonly #options: CosineIndexOptions;
  readonly #tables: number;
  readonly #bits: number;
  /** `Float32Array [tables x bits, dimensions]`. */
  readonly #planes: Float32Array;
  #slots: number;
  /** `Int8Array [slots, dimensions]`. */
  #values: Int8Array;
  #norms: Float64Array;
  /** By slot, the question that last met it; 0 where none did. */
  #met: Uint16Array;
  #question = 0;
  readonly #chains: Chains;
  #added = 0;

  constructor(options: CosineIndexOptions) {
    const { threshold, capacity, dimensions, seed } = options;
    if (!(threshold >= 0.7 && threshold <= 1)) {
      throw new TypeError(`threshold: expected a number in [0.7, 1], got ${threshold}`);
    }
    for (const [name, value] of Object.entries({ capacity, dimensions })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new TypeError(`${name}: expected an integer of at least 1, got ${value}`);
      }
    }
    this.#options = options;
    [this.#tables, this.#bits] = tablesFor(threshold);
    const random = randomFrom(seed);
    this.#planes = Float32Array.from({ length: this.#tables * this.#bits * dimensions }, () => random.gaussian());
    this.#slots = Math.min(capacity, leastSlots);
    this.#values = new Int8Array(this.#slots * dimensions);
    this.#norms = new Float64Array(this.#slots);
    this.#met = new Uint16Array(this.#slots);
    this.#chains = new Chains(this.#tables, 2 ** this.#bits, this.#slots);
  }

  /** Vectors kept. */
  get size(): number {
    return Math.min(this.#added, this.#options.capacity);
  }

  /** Bytes of the arrays that grow. */
  get bytes(): number {
    return this.#slots * (this.#options.dimensions + 10 + 4 * this.#tables) + 4 * this.#tables * 2 ** this.#bits;
  }

  /** A vector in the form in which it is kept. O(tables x planes x dimensions), 0.2 ms at 256. */
  sketchOf(vector: Float32Array): VectorSketch {
    return this.restored(rounded(vector));
  }

  /** A sketch of which the values were stored, and the sides, which are computed again where they are of another threshold. */
  restored(values: Int8Array, sides?: Uint16Array): VectorSketch {
    let squares = 0;
    for (const value of values) squares += value * value;
    const known = sides?.length === this.#tables ? sides : this.#sidesOf(values);
    return { values, norm: Math.sqrt(squares), sides: known };
  }

  /** The closest of the kept vectors that are found at or above the threshold. A vector of zeros is close to none. */
  find({ values, norm, sides }: VectorSketch): CloseVector | undefined {
    if (norm === 0) return undefined;
    const oldest = this.#added - this.size;
    if (this.#question === questionsToTell) {
      this.#met.fill(0);
      this.#question = 0;
    }
    this.#question += 1;
    let left = maxCompared;
    let closest: CloseVector | undefined;
    for (let table = 0; table < this.#tables; table++) {
      const side = sides[table] ?? 0;
      let number = this.#chains.newest(table, side);
      for (; number >= oldest && left > 0; number = this.#chains.older(table, number)) {
        const slot = number % this.#slots;
        if (this.#met[slot] === this.#question) continue;
        this.#met[slot] = this.#question;
        left -= 1;
        const cosine = this.#dot(values, slot) / (norm * (this.#norms[slot] ?? 0));
        if (cosine >= this.#options.threshold && cosine > (closest?.cosine ?? -1)) closest = { number, cosine };
      }
    }
    return closest;
  }

  /** Keeps a vector, whether or not it is close to another; the oldest leaves where there are `capacity`. Gives its number. */
  add({ values, norm, sides }: VectorSketch): number {
    const number = this.#added;
    if (number === this.#slots && this.#slots < this.#options.capacity) this.#grow();
    const slot = number % this.#slots;
    this.#values.set(values, slot * this.#options.dimensions);
    this.#norms[slot] = norm;
    // a vector of zeros takes its number, but no question may meet it
    if (norm > 0)
      for (let table = 0; table < this.#tables; table++) this.#chains.push(table, sides[table] ?? 0, number);
    this.#added += 1;
    return number;
  }

  #dot(values: Int8Array, slot: number): number {
    const from = slot * this.#options.dimensions;
    const kept = this.#values;
    let dot = 0;
    for (let i = 0; i < values.length; i++) dot += (values[i] ?? 0) * (kept[from + i] ?? 0);
    return dot;
  }

  #sidesOf(values: Int8Array): Uint16Array {
    const sides = new Uint16Array(this.#tables);
    // as floats once, not once a plane
    const vector = Float64Array.from(values);
    for (let table = 0; table < this.#tables; table++) {
      let bits = 0;
      for (let bit = 0; bit < this.#bits; bit++) {
        bits = (bits << 1) | (this.#above(vector, table * this.#bits + bit) ? 1 : 0);
      }
      sides[table] = bits;
    }
    return sides;
  }

  #above(vector: Float64Array, plane: number): boolean {
    const planes = this.#planes;
    const from = plane * vector.length;
    let dot = 0;
    for (let i = 0; i < vector.length; i++) dot += (vector[i] ?? 0) * (planes[from + i] ?? 0);
    return dot >= 0;
  }

  #grow(): void {
    this.#slots = Math.min(2 * this.#slots, this.#options.capacity);
    const values = new Int8Array(this.#slots * this.#options.dimensions);
    values.set(this.#values);
    const norms = new Float64Array(this.#slots);
    norms.set(this.#norms);
    this.#values = values;
    this.#norms = norms;
    this.#met = new Uint16Array(this.#slots);
    this.#chains.grow(this.#slots);
  }
}

/** The most planes a table, and so the fewest candidates, with which few enough tables find what is at the threshold. */
function tablesFor(threshold: number): readonly [tables: number, bits: number] {
  const sameSide = 1 - Math.acos(threshold) / Math.PI;
  for (let bits = 16; bits > 1; bits--) {
    const met = sameSide ** bits;
    const tables = met === 1 ? 1 : Math.ceil(Math.log(1 - leastMet) / Math.log(1 - met));
    if (tables <= maxTables) return [tables, bits];
  }
  return [maxTables, 1];
}

/** Rounded to 8 bits, so that what is kept and what a memory gives back are the same. */
function rounded(vector: Float32Array): Int8Array {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  const values = new Int8Array(vector.length);
  if (largest > 0) for (let i = 0; i < values.length; i++) values[i] = Math.round((127 * (vector[i] ?? 0)) / largest);
  return values;
}
