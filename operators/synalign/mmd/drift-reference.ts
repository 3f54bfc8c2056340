import { fromBase64, toBase64 } from '../../../schemas/codec.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { Changes } from '../../flow/outcome.js';
import { leadingFeatures } from '../../kernels/mmd/leading-features.js';
import type { RandomFeatures } from '../../kernels/mmd/random-features.js';
import { hashFloat } from '../../kernels/random.js';

/** Which real records a reference is drawn from. */
export interface DriftReferenceOptions {
  /** Real records that come by. */
  readonly drawnFrom: number;
  /** Of the test that it is for. */
  readonly window: number;
  readonly dimensions: number;
  readonly seed: number;
}

/** Where 8 windows of the test are not more: with fewer, thresholds hang on the one reference too much. */
const usuallyKept = 2048;
const windowsKept = 8;

/**
 * A reference: a uniform sample without replacement of the real records that come by, all of them up to 2,048, or 8 windows.
 *
 * Algorithm R (Vitter 1985), decided by a hash of the seed, the version and the number, under `drift/reference/SLOT` in the memory. `Float32Array
 * [size, dimensions]`.
 */
export class DriftReference {
  readonly size: number;
  readonly #options: DriftReferenceOptions;
  readonly #embeddings: Float32Array;

  /** `filled`: real records that came by before a restart. Throws `HeadwaterError` with `record-invalid` where the memory lacks one. */
  constructor(options: DriftReferenceOptions, filled: number, memory: ReadonlyMap<string, unknown>) {
    const { drawnFrom, window, dimensions } = options;
    this.#options = options;
    this.size = Math.min(drawnFrom, Math.max(usuallyKept, windowsKept * window));
    this.#embeddings = new Float32Array(this.size * dimensions);
    for (let slot = 0; slot < Math.min(filled, this.size); slot++) {
      const encoded = memory.get(`drift/reference/${slot}`);
      const embedding = typeof encoded === 'string' ? fromBase64(encoded) : undefined;
      if (embedding?.length !== dimensions) {
        throw new HeadwaterError(
          'record-invalid',
          `the memory lacks the embedding 'drift/reference/${slot}', or it is cut`,
        );
      }
      this.#embeddings.set(embedding, slot * dimensions);
    }
  }

  /** Takes the real record `number`, from 0, of a version in, or passes it over. Returns what the memory must hold. */
  add(embedding: Float32Array, number: number, version: number): Changes {
    const { seed, dimensions } = this.#options;
    const slot = number < this.size ? number : Math.floor(hashFloat(seed, 'reference', version, number) * (number + 1));
    if (slot >= this.size) return [];
    this.#embeddings.set(embedding, slot * dimensions);
    return [[`drift/reference/${slot}`, toBase64(embedding)]];
  }

  /** The leading features of all: `Float64Array [size, length]`. */
  features(features: RandomFeatures, length: number): Float64Array {
    const { dimensions } = this.#options;
    const all = new Float64Array(this.size * length);
    const phi = new Float64Array(2 * features.frequencies);
    for (let slot = 0; slot < this.size; slot++) {
      features.map(this.#embeddings.subarray(slot * dimensions, (slot + 1) * dimensions), phi);
      leadingFeatures(phi, all.subarray(slot * length, (slot + 1) * length));
    }
    return all;
  }
}
