import { allRows, drawToFront } from '../draw-rows.js';
import { type Random, randomFrom } from '../random.js';
import type { ReferenceGram } from './reference-gram.js';

/**
 * What windows of a stream without drift look like: squared MMDs of random parts of a reference with the rest of it.
 *
 * A draw splits the reference at random into 2 W - 1 items in a row, a stream, and the others, a smaller reference; its statistics are the
 * unbiased squared MMDs of the W windows of W items. Cobb, Van Looveren and Klaise 2022. O(W^2) a draw.
 */
export class WindowStatistics {
  readonly #gram: ReferenceGram;
  readonly #window: number;
  readonly #random: Random;
  readonly #total: number;
  /** A permutation of the reference, shuffled on at each draw. */
  readonly #order: Uint32Array;
  /** Of each item of the stream: kernel values with all others of it, and with the W - 1 items before and after it. */
  readonly #inside: Float64Array;
  readonly #before: Float64Array;
  readonly #after: Float64Array;

  constructor(gram: ReferenceGram, window: number, seed: number) {
    this.#gram = gram;
    this.#window = window;
    this.#random = randomFrom(seed);
    this.#total = gram.sums.reduce((sum, value) => sum + value, 0);
    this.#order = allRows(gram.size);
    this.#inside = new Float64Array(2 * window - 1);
    this.#before = new Float64Array(2 * window - 1);
    this.#after = new Float64Array(2 * window - 1);
  }

  /** Writes the statistics of the next draw to `into[at + w x step]` for each window w. */
  draw(into: Float32Array, at: number, step: number): void {
    drawToFront(this.#order, this.#inside.length, this.#random);
    this.#meet();
    const [window, length] = [this.#window, this.#inside.length];
    const rest = this.#gram.size - length;
    let streamSums = 0;
    let streamInside = 0;
    for (let i = 0; i < length; i++) {
      streamSums += this.#gram.sums[this.#order[i] ?? 0] ?? 0;
      streamInside += this.#inside[i] ?? 0;
    }
    const withinRest = (this.#total - 2 * streamSums + streamInside) / (rest * (rest - 1));
    let within = 0;
    let across = 0;
    for (let i = 0; i < window; i++) {
      within += 2 * (this.#before[i] ?? 0);
      across += this.#withRest(i);
    }
    for (let w = 0; w < window; w++) {
      into[at + w * step] = withinRest + within / (window * (window - 1)) - (2 * across) / (window * rest);
      if (w + 1 === window) return;
      within += 2 * ((this.#before[w + window] ?? 0) - (this.#after[w] ?? 0));
      across += this.#withRest(w + window) - this.#withRest(w);
    }
  }

  /** Kernel values of an item of the stream with the smaller reference. */
  #withRest(i: number): number {
    return (this.#gram.sums[this.#order[i] ?? 0] ?? 0) - (this.#inside[i] ?? 0);
  }

  /** Both halves of the symmetric kernel are read: that takes less time than to read one and to write to three arrays. */
  #meet(): void {
    const [window, length] = [this.#window, this.#inside.length];
    for (let i = 0; i < length; i++) {
      const [near, end] = [Math.max(0, i - window + 1), Math.min(length, i + window)];
      const before = this.#sum(i, near, i);
      const after = this.#sum(i, i + 1, end);
      this.#before[i] = before;
      this.#after[i] = after;
      this.#inside[i] = before + after + this.#sum(i, 0, near) + this.#sum(i, end, length);
    }
  }

  /** Kernel values of item i with the items `from` to `to` - 1 of the stream; four sums, so that an addition need not wait for the one before. */
  #sum(i: number, from: number, to: number): number {
    const order = this.#order;
    const { values, size } = this.#gram;
    const row = (order[i] ?? 0) * size;
    let first = 0;
    let second = 0;
    let third = 0;
    let fourth = 0;
    let j = from;
    for (; j + 3 < to; j += 4) {
      first += values[row + (order[j] ?? 0)] ?? 0;
      second += values[row + (order[j + 1] ?? 0)] ?? 0;
      third += values[row + (order[j + 2] ?? 0)] ?? 0;
      fourth += values[row + (order[j + 3] ?? 0)] ?? 0;
    }
    for (; j < to; j++) first += values[row + (order[j] ?? 0)] ?? 0;
    return first + second + (third + fourth);
  }
}
