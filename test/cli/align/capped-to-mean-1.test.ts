import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { cappedToMean1 } from '../../../cli/align/capped-to-mean-1.js';

const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The scale by halving an interval, in which the mean rises. */
function plain(raw: Float64Array, cap: number): Float64Array {
  const scaled = (scale: number) => raw.map((value) => Math.min(cap, scale * value));
  let [low, high] = [0, 1];
  while (mean(scaled(high)) < 1) high *= 2;
  for (let round = 0; round < 200; round++) {
    const middle = (low + high) / 2;
    if (mean(scaled(middle)) < 1) low = middle;
    else high = middle;
  }
  return scaled(high);
}

const cap = fc.double({ min: 1, max: 12, noNaN: true });

describe('cappedToMean1', () => {
  test('is the raw weights by one scale, cut at the cap, of mean 1', () => {
    const raw = fc.array(fc.double({ min: 0.001, max: 10, noNaN: true }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(raw, cap, (values, most) => {
        const found = cappedToMean1(Float64Array.from(values), most);
        for (const [i, weight] of plain(Float64Array.from(values), most).entries()) {
          expect(found[i]).toBeCloseTo(weight, 9);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('the mean is 1 and the cap holds, also where too few are above 0', () => {
    const value = fc.oneof(fc.constant(0), fc.double({ min: 1e-9, max: 10, noNaN: true }));
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 60 }), cap, (values, most) => {
        const found = cappedToMean1(Float64Array.from(values), most);
        expect(mean(found)).toBeCloseTo(1, 9);
        for (const weight of found) {
          expect(weight).toBeGreaterThanOrEqual(0);
          expect(weight).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 200 },
    );
    expect([...cappedToMean1(Float64Array.of(3, 0, 0, 0), 2)]).toEqual([2, 2 / 3, 2 / 3, 2 / 3]);
    expect([...cappedToMean1(Float64Array.of(0, 0), 2)]).toEqual([1, 1]);
  });

  test('what is already of mean 1 and below the cap stays as it is', () => {
    expect([...cappedToMean1(Float64Array.of(0.5, 1.5, 0, 2), 2)]).toEqual([0.5, 1.5, 0, 2]);
  });
});
