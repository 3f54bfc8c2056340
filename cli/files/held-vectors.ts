import type { Points } from '../../operators/kernels/points.js';
import { type Random, randomFrom } from '../../operators/kernels/random.js';
import { sharedFloats } from '../../operators/kernels/shared-floats.js';
import { HeadwaterError } from '../../schemas/errors.js';

/** A record with its unit vector. */
export interface VectorRecord {
  /** Its number among the rows of the file, from 0. */
  readonly row: number;
  /** Of unit norm. */
  readonly vector: Float32Array;
  /** Undefined where no column of labels is read. */
  readonly label: string | undefined;
}

/**
 * Records in memory with their vectors: all of them, or of more than `most` a sample of each label.
 *
 * Within a label it is uniform and without replacement: Algorithm R (Vitter 1985), by a seed. At least `most / labels` records of a label are
 * held, or all that it has, whatever the order they come in: a rare label takes places from the one that has most. With more labels
 * than `most`, some have none. `Float32Array [kept, dimensions]` in memory that threads share, doubled as it fills.
 */
export class HeldVectors {
  readonly #random: Random;
  /** Of each label that came: how many records, and the places of those that are held. */
  readonly #own = new Map<string | undefined, { seen: number; readonly places: number[] }>();
  #data = sharedFloats(0);
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

  /** Records that ever came, of each label. */
  get counts(): ReadonlyMap<string | undefined, number> {
    return new Map([...this.#own].map(([label, { seen }]) => [label, seen]));
  }

  add({ row, vector, label }: VectorRecord): void {
    if (this.#seen === 0) this.#dimensions = vector.length;
    this.#seen++;
    const at = this.#placeFor(label);
    if (at === undefined) return;
    this.#data.set(vector, at * this.#dimensions);
    this.rows[at] = row;
    this.labels[at] = label;
  }

  /** The places of a label's records, rising; of all where it is undefined. */
  placesOf(label: string | undefined): Uint32Array {
    if (label === undefined) return Uint32Array.from(this.rows.keys());
    return Uint32Array.from(this.#own.get(label)?.places ?? []).sort();
  }

  /** Where a record that came is held; undefined where it is not. */
  #placeFor(label: string | undefined): number | undefined {
    const own = this.#own.get(label) ?? { seen: 0, places: [] };
    this.#own.set(label, own);
    own.seen++;
    const { seen, places } = own;
    if (this.size < this.most) {
      this.#reserve(this.size + 1);
      places.push(this.size);
      return this.size;
    }
    // a label grows only while all of it is held, or its sample would not be uniform
    const isWhole = places.length === seen - 1;
    if (isWhole && places.length < Math.floor(this.most / this.#own.size)) {
      const freed = this.#freed();
      places.push(freed);
      return freed;
    }
    return places[this.#random.below(seen)];
  }

  /** A place, at random, of the label that has most of them: it has more than its part, as another has less. */
  #freed(): number {
    const most = [...this.#own.values()].reduce((a, b) => (b.places.length > a.places.length ? b : a));
    const [freed = 0] = most.places.splice(this.#random.below(most.places.length), 1);
    return freed;
  }

  #reserve(records: number): void {
    if (records * this.#dimensions <= this.#data.length) return;
    const data = sharedFloats(Math.min(this.most, Math.max(1024, 2 * records)) * this.#dimensions);
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
