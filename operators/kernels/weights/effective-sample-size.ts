/** 1 / |w|^2 of weights that add up to 1: from 1 to their number. Kish 1965. */
export function effectiveSampleSize(weights: Float64Array): number {
  let sum = 0;
  let squares = 0;
  for (const weight of weights) {
    sum += weight;
    squares += weight * weight;
  }
  return squares === 0 ? 0 : sum ** 2 / squares;
}
