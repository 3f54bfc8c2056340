/**
 * The features over the first frequencies alone: of `[2 m]` numbers, cosines then sines, to `into`, `[2 w]` with w <= m.
 *
 * They are those of `randomFeatures` with `frequencies: w` and the same seed, as sums of features are.
 */
export function leadingFeatures(features: Float64Array, into: Float64Array): Float64Array {
  const [all, few] = [features.length / 2, into.length / 2];
  if (!(few <= all)) throw new TypeError(`into: expected at most ${features.length} numbers, got ${into.length}`);
  const scale = Math.sqrt(all / few);
  for (let i = 0; i < few; i++) {
    into[i] = (features[i] ?? 0) * scale;
    into[few + i] = (features[all + i] ?? 0) * scale;
  }
  return into;
}
