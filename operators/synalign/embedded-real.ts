import type { Real } from '../../schemas/real.js';

/** A real record with its embedding, between the operators of one stage; it never travels on a topic. */
export interface EmbeddedReal {
  readonly kind: 'embedded-real';
  readonly real: Real;
  /** `Float32Array [dimensions]`, unit norm, or zeros for a text without tokens. */
  readonly embedding: Float32Array;
}
