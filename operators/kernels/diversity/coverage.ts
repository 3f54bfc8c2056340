import { randomFrom } from '../random.js';

/** What a label, a topic or a word is counted as. */
export type Species = string | number;

/**
 * Species that come and go, and how much of what there is has not been seen: Good and Turing's singletons / n.
 *
 * The chance that the next one is of a species never seen is about the share of those seen once. Memory: one count for each
 * species inside, so bound either their kinds or the window. Good, 1953.
 */
export class Coverage {
  readonly #counts = new Map<Species, number>();
  #total = 0;
  #singletons = 0;

  /** Items inside. */
  get total(): number {
    return this.#total;
  }

  /** Species inside. */
  get seen(): number {
    return this.#counts.size;
  }

  /** Species of which there is one item inside. */
  get singletons(): number {
    return this.#singletons;
  }

  /** Singletons / items: the estimated share of what comes next that is of no species inside; 1 where there is nothing. */
  get unseenMass(): number {
    return this.#total === 0 ? 1 : this.#singletons / this.#total;
  }

  get counts(): ReadonlyMap<Species, number> {
    return this.#counts;
  }

  has(species: Species): boolean {
    return this.#counts.has(species);
  }

  add(species: Species, count = 1): void {
    if (count > 0) this.#change(species, count);
  }

  /** Throws `RangeError` where it is not inside. */
  remove(species: Species): void {
    if (!this.#counts.has(species)) throw new RangeError(`there is no '${species}' to remove`);
    this.#change(species, -1);
  }

  #change(species: Species, by: number): void {
    const before = this.#counts.get(species) ?? 0;
    const after = before + by;
    if (after === 0) this.#counts.delete(species);
    else this.#counts.set(species, after);
    this.#total += by;
    this.#singletons += (after === 1 ? 1 : 0) - (before === 1 ? 1 : 0);
  }
}

/** The share of the reference's items whose species the other has too: 1 where all is covered, and for an empty reference. */
export function coveredMass(reference: Coverage, other: Coverage): number {
  if (reference.total === 0) return 1;
  let covered = 0;
  for (const [species, count] of reference.counts) if (other.has(species)) covered += count;
  return covered / reference.total;
}

/** How a space is cut into topics. */
export interface TopicCellsOptions {
  readonly dimensions: number;
  /**
   * Planes through the origin: 2^planes cells at most.
   * @default 8
   */
  readonly planes?: number;
  /** Of the planes; the same gives the same cells. */
  readonly seed: number;
}

/**
 * A cheap topic of an embedding: on which side of random planes it lies.
 *
 * Two vectors share a cell with probability (1 - angle / pi)^planes, so near ones mostly do (Charikar 2002). Nobody has to cluster, and
 * cells are the same on every machine and at all times. O(planes x dimensions).
 */
export function topicCells(options: TopicCellsOptions): (vector: Float32Array) => number {
  const { dimensions, planes = 8, seed } = options;
  if (!Number.isInteger(planes) || planes < 1 || planes > 30) {
    throw new TypeError(`planes: expected an integer from 1 to 30, got ${planes}`);
  }
  const random = randomFrom(seed);
  const normals = Float32Array.from({ length: planes * dimensions }, () => random.gaussian());
  return (vector) => {
    if (vector.length !== dimensions)
      throw new TypeError(`vector: expected ${dimensions} numbers, got ${vector.length}`);
    let cell = 0;
    for (let plane = 0; plane < planes; plane++) {
      let dot = 0;
      const from = plane * dimensions;
      for (let i = 0; i < dimensions; i++) dot += (normals[from + i] ?? 0) * (vector[i] ?? 0);
      cell = 2 * cell + (dot > 0 ? 1 : 0);
    }
    return cell;
  };
}
