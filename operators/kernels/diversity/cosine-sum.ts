/** Added and subtracted in this order, it leaves a number on the grid of 2^-36. */
const grid = 1.5 * 2 ** 16;

/** The mean cosine over all pairs of different vectors. */
export interface MeanCosine {
  /** 0 by convention where there are fewer than two vectors. */
  readonly mean: number;
  /** Vectors behind it; under decay the effective number, (sum w)^2 / sum w^2. */
  readonly size: number;
  /** Whether there is a pair at all. */
  readonly defined: boolean;
}

/** What a `CosineSum` consists of. */
export interface CosineSumState {
  /** `Float64Array [dimensions]`. */
  readonly sum: Float64Array;
  /** Of the squared norms. */
  readonly squares: number;
  readonly size: number;
  readonly zeros: number;
}

/**
 * The mean pairwise cosine of unit vectors that come and go, from their sum S alone.
 *
 * mean = (|S|^2 - sum |z|^2) / (n (n - 1)), which is the mean over the strict upper triangle of Z Z'. O(d) memory and time. Each
 * number is rounded to a multiple of 2^-36 on the way in, so that float64 adds and subtracts without rounding while a sum stays
 * under 2^16 (131,072 equal vectors at the worst): it does not drift however long a window slides, whatever the order. Beyond, an
 * addition rounds as float64 does. Zero vectors (texts without tokens) have no cosine: they are counted apart. BARE §4.1.
 *
 * @example
 * ```ts
 * const sum = new CosineSum(256);
 * for (const embedding of embeddings) sum.add(embedding);
 * const { mean, defined } = sum.mean();
 * ```
 */
export class CosineSum {
  readonly #sum: Float64Array;
  #squares = 0;
  #size = 0;
  #zeros = 0;

  constructor(readonly dimensions: number) {
    this.#sum = new Float64Array(dimensions);
  }

  /** A sum that goes on from what another one consisted of. */
  static from({ sum, squares, size, zeros }: CosineSumState): CosineSum {
    const restored = new CosineSum(sum.length);
    restored.#sum.set(sum);
    restored.#squares = squares;
    restored.#size = size;
    restored.#zeros = zeros;
    return restored;
  }

  /** A copy of what it consists of, from which `from` goes on to the last bit. */
  get state(): CosineSumState {
    return { sum: this.#sum.slice(), squares: this.#squares, size: this.#size, zeros: this.#zeros };
  }

  /** Vectors inside that have a direction. */
  get size(): number {
    return this.#size;
  }

  /** Zero vectors inside. */
  get zeros(): number {
    return this.#zeros;
  }

  /** Adds a vector `[dimensions]` of unit norm, or zeros. Throws `TypeError` for another length. */
  add(vector: Float32Array): void {
    checkLength(vector, this.dimensions);
    const sum = this.#sum;
    let square = 0;
    for (let i = 0; i < sum.length; i++) {
      const x = (vector[i] ?? 0) + grid - grid;
      sum[i] = (sum[i] ?? 0) + x;
      square += x * x;
    }
    this.#count(square, 1);
  }

  /** Removes a vector that is inside. Throws `TypeError` for another length, `RangeError` where none is inside. */
  remove(vector: Float32Array): void {
    checkLength(vector, this.dimensions);
    if (this.#size + this.#zeros === 0) throw new RangeError('there is no vector to remove');
    const sum = this.#sum;
    let square = 0;
    for (let i = 0; i < sum.length; i++) {
      const x = (vector[i] ?? 0) + grid - grid;
      sum[i] = (sum[i] ?? 0) - x;
      square += x * x;
    }
    this.#count(square, -1);
  }

  /** As `remove(old)` and `add(vector)`, in one pass. */
  replace(old: Float32Array, vector: Float32Array): void {
    checkLength(old, this.dimensions);
    checkLength(vector, this.dimensions);
    if (this.#size + this.#zeros === 0) throw new RangeError('there is no vector to remove');
    const sum = this.#sum;
    let gone = 0;
    let come = 0;
    for (let i = 0; i < sum.length; i++) {
      const x = (old[i] ?? 0) + grid - grid;
      const y = (vector[i] ?? 0) + grid - grid;
      sum[i] = (sum[i] ?? 0) + (y - x);
      gone += x * x;
      come += y * y;
    }
    this.#count(gone, -1);
    this.#count(come, 1);
  }

  /** Adds the vectors of another sum. */
  merge(other: CosineSum): void {
    if (other.dimensions !== this.dimensions) {
      throw new TypeError(`other: expected ${this.dimensions} dimensions, got ${other.dimensions}`);
    }
    const { sum, squares, size, zeros } = other.state;
    for (let i = 0; i < sum.length; i++) this.#sum[i] = (this.#sum[i] ?? 0) + (sum[i] ?? 0);
    this.#squares += squares;
    this.#size += size;
    this.#zeros += zeros;
  }

  mean(): MeanCosine {
    const size = this.#size;
    if (size < 2) return { mean: 0, size, defined: false };
    return { mean: (squaredNorm(this.#sum) - this.#squares) / (size * (size - 1)), size, defined: true };
  }

  /** The mean cosine of a vector to the vectors inside: high for what is like the rest; 0 where there are none. */
  meanTo(vector: Float32Array): number {
    checkLength(vector, this.dimensions);
    if (this.#size === 0) return 0;
    let dot = 0;
    for (let i = 0; i < vector.length; i++) dot += (vector[i] ?? 0) * (this.#sum[i] ?? 0);
    return dot / this.#size;
  }

  #count(square: number, sign: 1 | -1): void {
    // rounded as well, so that what is added leaves without a trace
    const rounded = square + grid - grid;
    this.#squares += sign * rounded;
    if (rounded === 0) this.#zeros += sign;
    else this.#size += sign;
  }
}

/** What a `DecayedCosineSum` consists of. */
export interface DecayedCosineState {
  readonly sum: Float64Array;
  readonly weight: number;
  readonly squaredWeight: number;
  readonly squares: number;
  readonly seen: number;
}

/**
 * The mean pairwise cosine in which a vector of age a weighs g^a, so that the far past fades.
 *
 * mean = (|S|^2 - sum w^2 |z|^2) / ((sum w)^2 - sum w^2), S = sum w z; g = 2^(-1 / halfLife); age counts vectors. O(d) memory and
 * time. Rounding errors fade with what they belong to. Zero vectors are passed over.
 */
export class DecayedCosineSum {
  readonly #sum: Float64Array;
  readonly #factor: number;
  #weight = 0;
  #squaredWeight = 0;
  #squares = 0;
  #seen = 0;

  /** `halfLife`: vectors after which a weight has halved. Throws `TypeError` where that is not a positive number. */
  constructor(
    readonly dimensions: number,
    readonly halfLife: number,
  ) {
    if (!(halfLife > 0 && Number.isFinite(halfLife))) {
      throw new TypeError(`halfLife: expected a positive number, got ${halfLife}`);
    }
    this.#sum = new Float64Array(dimensions);
    this.#factor = 2 ** (-1 / halfLife);
  }

  static from(state: DecayedCosineState, halfLife: number): DecayedCosineSum {
    const restored = new DecayedCosineSum(state.sum.length, halfLife);
    restored.#sum.set(state.sum);
    restored.#weight = state.weight;
    restored.#squaredWeight = state.squaredWeight;
    restored.#squares = state.squares;
    restored.#seen = state.seen;
    return restored;
  }

  /** A copy of what it consists of, from which `from` goes on to the last bit. */
  get state(): DecayedCosineState {
    return {
      sum: this.#sum.slice(),
      weight: this.#weight,
      squaredWeight: this.#squaredWeight,
      squares: this.#squares,
      seen: this.#seen,
    };
  }

  /** Adds a vector `[dimensions]` of unit norm. Throws `TypeError` for another length. */
  add(vector: Float32Array): void {
    checkLength(vector, this.dimensions);
    if (isZero(vector)) return;
    const sum = this.#sum;
    const factor = this.#factor;
    let square = 0;
    for (let i = 0; i < sum.length; i++) {
      const x = vector[i] ?? 0;
      sum[i] = (sum[i] ?? 0) * factor + x;
      square += x * x;
    }
    this.#weight = this.#weight * factor + 1;
    this.#squaredWeight = this.#squaredWeight * factor * factor + 1;
    this.#squares = this.#squares * factor * factor + square;
    this.#seen++;
  }

  mean(): MeanCosine {
    const size = this.#squaredWeight === 0 ? 0 : this.#weight ** 2 / this.#squaredWeight;
    if (this.#seen < 2) return { mean: 0, size, defined: false };
    const pairs = this.#weight ** 2 - this.#squaredWeight;
    return { mean: (squaredNorm(this.#sum) - this.#squares) / pairs, size, defined: true };
  }
}

/** Whether a text had no tokens. Ends at the first number of any other vector. */
export function isZero(vector: Float32Array): boolean {
  for (let i = 0; i < vector.length; i++) if (vector[i] !== 0) return false;
  return true;
}

function squaredNorm(vector: Float64Array): number {
  let total = 0;
  for (let i = 0; i < vector.length; i++) total += (vector[i] ?? 0) ** 2;
  return total;
}

function checkLength(vector: Float32Array, dimensions: number): void {
  if (vector.length !== dimensions) throw new TypeError(`vector: expected ${dimensions} numbers, got ${vector.length}`);
}
