/** To the worker, once: the files. */
export interface Files {
  readonly weights: string;
  readonly tokenizer: string;
}

/** To the worker: texts of one or more requests. */
export interface Batch {
  readonly texts: readonly string[];
}

/** From the worker: first `ready` or `unusable`, then one answer for each batch, in order. */
export type Answer =
  | {
      readonly kind: 'ready';
      readonly dimensions: number;
      readonly digests: readonly [weights: string, tokenizer: string];
    }
  | { readonly kind: 'unusable'; readonly code: 'model-missing' | 'model-damaged'; readonly message: string }
  | { readonly kind: 'vectors'; readonly vectors: Float32Array<ArrayBuffer> };
