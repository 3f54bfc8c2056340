import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { binomialInterval } from '../../../operators/kernels/binomial-interval.js';

/** P(X >= k) of a binomial variable, summed up. */
function atLeast(k: number, count: number, rate: number): number {
  let sum = 0;
  for (let i = k; i <= count; i++) {
    let term = 1;
    for (let j = 0; j < i; j++) term *= ((count - j) / (i - j)) * rate;
    sum += term * (1 - rate) ** (count - i);
  }
  return sum;
}

describe('binomialInterval', () => {
  test('is where each tail of the binomial distribution has 2.5 %', () => {
    const counts = fc
      .integer({ min: 1, max: 60 })
      .chain((count) => fc.tuple(fc.nat({ max: count }), fc.constant(count)));
    fc.assert(
      fc.property(counts, ([successes, count]) => {
        const { low, high } = binomialInterval(successes, count);
        if (successes > 0) expect(atLeast(successes, count, low)).toBeCloseTo(0.025, 9);
        else expect(low).toBe(0);
        if (successes < count) expect(1 - atLeast(successes + 1, count, high)).toBeCloseTo(0.025, 9);
        else expect(high).toBe(1);
      }),
    );
  });

  test('has a width at 0 and 1, in closed form', () => {
    for (const count of [1, 14, 1000]) {
      expect(binomialInterval(0, count).high).toBeCloseTo(1 - 0.025 ** (1 / count), 12);
      expect(binomialInterval(count, count).low).toBeCloseTo(0.025 ** (1 / count), 12);
    }
  });

  test('holds the true rate in at least 95 % of all outcomes, summed up exactly', () => {
    for (const rate of [0.01, 0.2, 0.5, 0.93]) {
      for (const count of [5, 14, 40]) {
        let held = 0;
        for (let k = 0; k <= count; k++) {
          const { low, high } = binomialInterval(k, count);
          if (low <= rate && rate <= high) held += atLeast(k, count, rate) - atLeast(k + 1, count, rate);
        }
        expect(held).toBeGreaterThanOrEqual(0.95);
      }
    }
  });

  test('is close to the normal one for a million, symmetric, and whole of nothing', () => {
    const { low, high } = binomialInterval(300_000, 1_000_000);
    expect(low).toBeCloseTo(0.3 - 1.96 * Math.sqrt((0.3 * 0.7) / 1e6), 5);
    expect(high).toBeCloseTo(0.3 + 1.96 * Math.sqrt((0.3 * 0.7) / 1e6), 5);
    expect(binomialInterval(3, 20).high).toBeCloseTo(1 - binomialInterval(17, 20).low, 12);
    expect(binomialInterval(0, 0)).toEqual({ low: 0, high: 1 });
  });

  test('refuses what is no count', () => {
    for (const [successes, count] of [
      [2, 1],
      [-1, 4],
      [0.5, 1],
      [Number.NaN, 3],
      [1, Number.POSITIVE_INFINITY],
    ] as const) {
      expect(() => binomialInterval(successes, count)).toThrow(RangeError);
    }
  });
});
