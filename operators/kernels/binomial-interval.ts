import type { Interval } from './bootstrap.js';

/**
 * Where the rate behind `successes` of `count` independent tries lies, with at least the confidence: the exact interval.
 *
 * Holds for every rate and number of tries, so it is wider than it need be (of 0 of 14 it is [0, 0.232]); also where tries went on
 * until so many had succeeded. [0, 1] of no tries. Takes the square root of `count` in time. Throws `RangeError` for counts that are
 * none. Clopper and Pearson, 1934.
 */
export function binomialInterval(successes: number, count: number, confidence = 0.95): Interval {
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(successes) || successes < 0 || successes > count) {
    throw new RangeError(`${successes} of ${count}: expected whole numbers, the first at most as large as the second`);
  }
  const tail = (1 - confidence) / 2;
  const failures = count - successes;
  return {
    low: successes === 0 ? 0 : betaQuantile(tail, successes, failures + 1),
    high: failures === 0 ? 1 : betaQuantile(1 - tail, successes + 1, failures),
  };
}

/** Below which a variable of the beta distribution lies with the given probability. */
function betaQuantile(probability: number, a: number, b: number): number {
  let [low, high] = [0, 1];
  // Down to the last bits.
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (betaBelow(middle, a, b) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The regularised incomplete beta function I_x(a, b). */
function betaBelow(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const log = a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b);
  // The fraction converges fast on one side of the mean only.
  if (x < (a + 1) / (a + b + 2)) return (Math.exp(log) * betaFraction(x, a, b)) / a;
  return 1 - (Math.exp(log) * betaFraction(1 - x, b, a)) / b;
}

const tiny = 1e-300;
const exact = 1e-15;

/** Its continued fraction (DLMF 8.17.22), from the front by Lentz's method. */
function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let value = d;
  // Of a million tries it takes some thousands.
  for (let m = 1; m < 1_000_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    value *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    value *= c * d;
    if (Math.abs(c * d - 1) < exact) break;
  }
  return value;
}

/** Kept from 0, by which Lentz's method would divide. */
function away(value: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

/** The logarithm of the gamma function of x >= 1: Stirling's series where it is exact, and the recurrence up to there. */
function logGamma(x: number): number {
  let [shifted, below] = [x, 0];
  for (; shifted < 10; shifted++) below += Math.log(shifted);
  const square = 1 / (shifted * shifted);
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / shifted;
  return (shifted - 0.5) * Math.log(shifted) - shifted + 0.5 * Math.log(2 * Math.PI) + series - below;
}
