import { type Projection, projection } from '../wasm/projection.js';

/**
 * Kernel values between all items of a reference, from their features, made a few rows at a time.
 *
 * `values` is `Float32Array [size, size]`, row by row; `sums` are those of the rows without the item itself. Products are float32, the same to
 * the last bit on every machine. Memory: 4 x size x (size + 2 length) bytes while it is made.
 */
export class ReferenceGram {
  readonly values: Float32Array;
  readonly sums: Float64Array;
  readonly #features: Float32Array;
  readonly #length: number;
  #projection: Projection | undefined;
  #rows = 0;

  /** Of features `[size, length]`. */
  constructor(
    features: Float64Array,
    readonly size: number,
  ) {
    this.#length = features.length / size;
    this.#features = Float32Array.from(features);
    this.values = new Float32Array(size * size);
    this.sums = new Float64Array(size);
  }

  get done(): boolean {
    return this.#rows === this.size;
  }

  /** Makes the next rows, with about so many multiplications. */
  advance(multiplications: number): void {
    this.#projection ??= projection(this.#features, this.#length);
    const end = Math.min(this.size, this.#rows + Math.max(1, Math.floor(multiplications / (this.size * this.#length))));
    while (this.#rows < end) this.#rows += this.#makeRows(this.#projection, this.#rows, end);
    if (this.done) this.#projection = undefined;
  }

  #makeRows({ batch, stride, rows, vectors, products, run }: Projection, from: number, end: number): number {
    const count = Math.min(batch, end - from);
    for (let i = 0; i < count; i++) {
      const start = (from + i) * this.#length;
      vectors.set(this.#features.subarray(start, start + this.#length), i * stride);
    }
    run(count);
    for (let i = 0; i < count; i++) {
      const row = products.subarray(i * rows, i * rows + this.size);
      this.values.set(row, (from + i) * this.size);
      let sum = 0;
      for (const value of row) sum += value;
      this.sums[from + i] = sum - (row[from + i] ?? 0);
    }
    return count;
  }
}
