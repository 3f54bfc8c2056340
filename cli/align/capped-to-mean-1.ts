/**
 * Weights of mean 1 and none above `cap`: min(cap, s x raw), for the one scale s that makes the mean 1.
 *
 * `raw` is from 0 on, `cap` from 1 on. Where so few are above 0 that the mean of weights at the cap is below 1, the others have what is left, each
 * as much. O(n) a round; a round caps at least one more, and few are needed.
 */
export function cappedToMean1(raw: Float64Array, cap: number): Float64Array {
  let scale = raw.length / raw.reduce((sum, value) => sum + value, 0);
  for (;;) {
    let left = raw.length;
    let uncapped = 0;
    for (const value of raw) {
      if (value * scale >= cap) left -= cap;
      else uncapped += value;
    }
    if (uncapped === 0) return filled(raw, cap, left);
    const next = left / uncapped;
    if (!(next > scale)) return raw.map((value) => Math.min(cap, value * scale));
    scale = next;
  }
}

/** All above 0 at the cap. */
function filled(raw: Float64Array, cap: number, left: number): Float64Array {
  const others = raw.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
  return raw.map((value) => (value > 0 ? cap : left / others));
}
