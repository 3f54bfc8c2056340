/** Milliseconds that a multiplication takes, about: by SIMD, and in a plain loop. Only to decide what is worth a thread. */
const simdMs = 0.16e-6;
const plainMs = 1e-6;
/** What is done to a product of two vectors, such as an exponential, is worth as many multiplications by SIMD. */
const afterProduct = 60;

/** Of a kernel, or a cosine, of so many pairs. */
export function pairsMs(pairs: number, dimensions: number): number {
  return pairs * (dimensions + afterProduct) * simdMs;
}

/** Of plain loops. */
export function plainLoopsMs(multiplications: number): number {
  return multiplications * plainMs;
}
