import type { Embedder } from '../../../operators/embedder.js';
import { hashFloat } from '../../../operators/kernels/random.js';

/** An embedder without a model: each word of a text has a direction of its own. Records the batches that it was given. */
export class HashingEmbedder implements Embedder {
  readonly id: string;
  readonly batches: (readonly string[])[] = [];

  constructor(readonly dimensions = 16) {
    this.id = `test/hashing@${dimensions}`;
  }

  async embed(texts: readonly string[]): Promise<readonly Float32Array[]> {
    this.batches.push(texts);
    return texts.map((text) => unit(this.#sum(text)));
  }

  async close(): Promise<void> {}

  #sum(text: string): Float32Array {
    const sum = new Float32Array(this.dimensions);
    for (const word of text.match(/\w+/g) ?? []) {
      for (const i of sum.keys()) sum[i] = (sum[i] ?? 0) + hashFloat(1, word, i) - 0.5;
    }
    return sum;
  }
}

/** The vector at length 1; zeros stay zeros. */
export function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
