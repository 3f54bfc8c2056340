import type { AnyRecord } from '../../schemas/codec.js';
import type { Refined } from '../../schemas/refined.js';
import type { EmbeddedReal } from './embedded-real.js';

/** A refined text with its embedding, between the operators of one stage; it never travels on a topic. */
export interface EmbeddedRefined extends Refined {
  /** `Float32Array [dimensions]`, unit norm, or zeros for a text without tokens. */
  readonly embedding: Float32Array;
  /** Of its draft, where drafts are embedded too: the same array where the texts are the same. */
  readonly draftEmbedding?: Float32Array;
  /** The sampling weight, of mean 1, where samples are weighted. */
  readonly weight?: number;
}

/** Whether a record is a refined text that has its embedding. */
export function isEmbedded(record: AnyRecord | EmbeddedReal): record is EmbeddedRefined {
  return record.kind === 'refined' && 'embedding' in record && record.embedding instanceof Float32Array;
}
