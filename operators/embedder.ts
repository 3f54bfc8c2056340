/** Texts to vectors, behind any engine. */
export interface Embedder {
  /** Engine, model and dimensions. A different id makes every sum over embeddings void. */
  readonly id: string;
  readonly dimensions: number;
  /** Vectors in the order of the texts, each a `Float32Array [dimensions]` of unit norm (all zeros for a text without tokens). */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>;
  close(): Promise<void>;
}
