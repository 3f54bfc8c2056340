import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { randomFrom } from '../../../../operators/kernels/random.js';
import {
  sampleWithoutReplacement,
  systematicResample,
  WeightedReservoir,
} from '../../../../operators/kernels/weights/resample.js';

const weights = fc
  .array(fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1, noNaN: true })), { minLength: 1, maxLength: 40 })
  .filter((values) => values.some((value) => value > 0))
  .map((values) => Float64Array.from(values));

describe('systematicResample', () => {
  test('T9: the count of an item is N w rounded down or up, and all counts are N', () => {
    fc.assert(
      fc.property(weights, fc.nat(500), fc.nat(), (values, count, seed) => {
        const total = values.reduce((sum, value) => sum + value, 0);
        const counts = systematicResample(values, count, seed);
        expect(counts.reduce((sum, value) => sum + value, 0)).toBe(count);
        for (const [i, drawn] of counts.entries()) {
          const exact = (count * (values[i] ?? 0)) / total;
          expect(drawn).toBeGreaterThanOrEqual(Math.floor(exact - 1e-9));
          expect(drawn).toBeLessThanOrEqual(Math.ceil(exact + 1e-9));
        }
      }),
    );
  });

  test('is unbiased: over seeds the mean count is N w', () => {
    const values = Float64Array.of(0.13, 0.57, 0.3);
    const sums = new Float64Array(3);
    const rounds = 4000;
    for (let seed = 0; seed < rounds; seed++) {
      for (const [i, drawn] of systematicResample(values, 7, seed).entries()) sums[i] = (sums[i] ?? 0) + drawn;
    }
    // a count's standard deviation is at most 1/2
    for (const [i, sum] of sums.entries()) {
      expect(Math.abs(sum / rounds - 7 * (values[i] ?? 0))).toBeLessThan(4 * (0.5 / Math.sqrt(rounds)));
    }
  });

  test('even weights are drawn evenly, and the same seed draws the same', () => {
    expect([...systematicResample(new Float64Array(5).fill(0.2), 15, 3)]).toEqual([3, 3, 3, 3, 3]);
    const values = Float64Array.from({ length: 50 }, (_, i) => i);
    expect(systematicResample(values, 33, 9)).toEqual(systematicResample(values, 33, 9));
  });

  test('refuses weights that are none', () => {
    expect(() => systematicResample(Float64Array.of(1, -1), 3, 0)).toThrow('got -1 at 1');
    expect(() => systematicResample(Float64Array.of(1, Number.NaN), 3, 0)).toThrow('got NaN at 1');
    expect(() => systematicResample(new Float64Array(3), 3, 0)).toThrow('one above 0');
    expect(() => systematicResample(Float64Array.of(1), 1.5, 0)).toThrow('count: expected a whole number');
  });
});

describe('sampleWithoutReplacement', () => {
  test('T9: of one draw with weights 1 and 3, the second comes 75 % of the time', () => {
    const rounds = 6000;
    let second = 0;
    for (let seed = 0; seed < rounds; seed++) {
      if (sampleWithoutReplacement(Float64Array.of(1, 3), 1, seed)[0] === 1) second++;
    }
    expect(Math.abs(second / rounds - 0.75)).toBeLessThan(4 * Math.sqrt((0.75 * 0.25) / rounds));
  });

  test('two of three draws have the chances of drawing one by one', () => {
    const values = [1, 2, 3];
    const rounds = 6000;
    const counts = new Map<string, number>();
    for (let seed = 0; seed < rounds; seed++) {
      const key = [...sampleWithoutReplacement(Float64Array.from(values), 2, seed)].join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    // P({a, b}) = a / 6 x b / (6 - a) + b / 6 x a / (6 - b)
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      const [x, y] = [values[a] ?? 0, values[b] ?? 0];
      const chance = (x / 6) * (y / (6 - x)) + (y / 6) * (x / (6 - y));
      expect(Math.abs((counts.get(`${a},${b}`) ?? 0) / rounds - chance)).toBeLessThan(
        4 * 0.5 * (1 / Math.sqrt(rounds)),
      );
    }
  });

  test('draws different items that have a weight, and those whole where all are asked for', () => {
    fc.assert(
      fc.property(weights, fc.nat(), fc.nat(), (values, seed, wanted) => {
        const positive = [...values.keys()].filter((i) => (values[i] ?? 0) > 0);
        const count = wanted % (positive.length + 1);
        const drawn = [...sampleWithoutReplacement(values, count, seed)];
        expect(drawn).toEqual([...new Set(drawn)].toSorted((a, b) => a - b));
        expect(drawn.every((i) => positive.includes(i))).toBe(true);
        expect([...sampleWithoutReplacement(values, positive.length, seed)]).toEqual(positive);
      }),
    );
  });

  test('is the smallest keys of a slow reference', () => {
    const random = randomFrom(4);
    const values = Float64Array.from({ length: 300 }, () => random.float() ** 3);
    const keys = randomFrom(8);
    const slow = [...values]
      .map((weight, i) => ({ i, key: (1 - keys.float()) ** (1 / weight) }))
      .toSorted((a, b) => b.key - a.key)
      .slice(0, 40)
      .map(({ i }) => i)
      .toSorted((a, b) => a - b);
    expect([...sampleWithoutReplacement(values, 40, 8)]).toEqual(slow);
  });

  test('refuses more than there are', () => {
    expect(() => sampleWithoutReplacement(Float64Array.of(1, 0, 2), 3, 0)).toThrow('up to the 2 items');
    expect(() => new WeightedReservoir(0, 1)).toThrow('size: expected an integer from 1');
    expect(() => new WeightedReservoir(1, 1).add('a', -2)).toThrow('weight: expected a number from 0, got -2');
  });
});
