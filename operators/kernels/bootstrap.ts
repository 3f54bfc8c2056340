import { randomFrom } from './random.js';

/** Where a figure lies with a confidence of 95 %. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * How often each of `size` records is in a resample with replacement: `Uint32Array [size]`, the same array each round.
 *
 * The same seed draws the same resamples. Efron, 1979.
 */
export function* resamples(size: number, rounds: number, seed: number): Generator<Uint32Array, void, undefined> {
  const random = randomFrom(seed);
  const counts = new Uint32Array(size);
  for (let round = 0; round < rounds; round++) {
    counts.fill(0);
    for (let i = 0; i < size; i++) {
      const drawn = random.below(size);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    yield counts;
  }
}

/**
 * The spread of a figure over resamples, laid around the figure itself; null of fewer than a hundred resamples.
 *
 * The quantiles of 2.5 and 97.5 % are taken from the mean of the resamples, not from the figure: a resample repeats records, which
 * shifts figures such as the Vendi score by more than they vary, and says nothing about other samples of the same source. It is cut
 * off at the ends of `within`, where the figure cannot be beyond.
 */
export function spreadAround(figure: number, resampled: readonly number[], within = anywhere): Interval | null {
  const { length } = resampled;
  if (length < leastRounds) return null;
  const sorted = Float64Array.from(resampled).sort();
  const mean = resampled.reduce((sum, value) => sum + value, 0) / length;
  const quantile = (share: number) => sorted[Math.round(share * (length - 1))] ?? mean;
  return {
    low: Math.max(within.low, figure + quantile(0.025) - mean),
    high: Math.min(within.high, figure + quantile(0.975) - mean),
  };
}

/** What shares of a whole lie in. */
export const wholeShare: Interval = { low: 0, high: 1 };
const anywhere: Interval = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

const leastRounds = 100;
