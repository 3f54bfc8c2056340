import type { Fields } from '../../schemas/example.js';

/** The draft that a sample came from, just before the sample, between the operators of one stage; it never travels on a topic. */
export interface EmbeddedDraft {
  readonly kind: 'embedded-draft';
  /** Of the sample that follows. */
  readonly id: string;
  readonly draft: Fields;
  /** What became of it. */
  readonly refined: Fields;
  /** Of the draft's text: `Float32Array [dimensions]`, unit norm, or zeros for a text without tokens. */
  readonly embedding: Float32Array;
}
