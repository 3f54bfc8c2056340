/** Embeddings have the norm 1, rounded; those of texts without tokens 0. */
const greatestNorm = 1.01;

/**
 * Why nothing can be measured with an embedding, to be said in a dead letter (`record-invalid`); undefined where it can.
 *
 * It must be `dimensions` finite numbers with a norm of at most 1.01: a larger one would make features that are no numbers, and what they were
 * once added to would be lost. `of` names the record. O(dimensions).
 */
export function embeddingFault(embedding: Float32Array, dimensions: number, of: string): string | undefined {
  let squares = 0;
  for (const value of embedding) squares += value * value;
  // float64 holds the squares of all float32 numbers
  if (embedding.length !== dimensions || !Number.isFinite(squares)) {
    return `the embedding of the ${of} is not ${dimensions} finite numbers`;
  }
  const norm = Math.sqrt(squares);
  if (norm <= greatestNorm) return undefined;
  return `the embedding of the ${of} has the norm ${norm.toPrecision(3)}: expected 1, as embedders give it`;
}
