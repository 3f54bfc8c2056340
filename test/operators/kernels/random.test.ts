import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { radicalInverse } from '../../../operators/kernels/radical-inverse.js';
import { hashFloat, hashUint32, randomFrom } from '../../../operators/kernels/random.js';

describe('randomFrom', () => {
  test('the same seed gives the same numbers, another seed others', () => {
    const draw = (seed: number) => {
      const random = randomFrom(seed);
      return Array.from({ length: 20 }, () => [random.uint32(), random.float(), random.gaussian()]);
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test('gives the numbers that it always gave', () => {
    const random = randomFrom(7);
    const drawn = [random.uint32(), random.uint32(), random.float(), random.gaussian()];
    expect(drawn).toEqual([703835623, 3635109826, 0.6085140434023045, 0.01084224087066985]);
  });

  test('floats are uniform: mean, variance and tenths', () => {
    const random = randomFrom(1);
    const count = 100_000;
    const draws = Float64Array.from({ length: count }, () => random.float());
    expect(mean(draws)).toBeCloseTo(0.5, 2);
    expect(mean(draws.map((x) => (x - 0.5) ** 2))).toBeCloseTo(1 / 12, 2);
    for (let tenth = 0; tenth < 10; tenth++) {
      const inside = draws.filter((x) => Math.floor(10 * x) === tenth).length;
      // five standard errors of a binomial share
      expect(Math.abs(inside - count / 10)).toBeLessThan(5 * Math.sqrt(count * 0.09));
    }
  });

  test('gaussians have the moments of a standard normal', () => {
    const random = randomFrom(2);
    const draws = Float64Array.from({ length: 200_000 }, () => random.gaussian());
    expect(Math.abs(mean(draws))).toBeLessThan(0.012);
    expect(Math.abs(mean(draws.map((x) => x ** 2)) - 1)).toBeLessThan(0.02);
    expect(Math.abs(mean(draws.map((x) => x ** 3)))).toBeLessThan(0.05);
    expect(Math.abs(mean(draws.map((x) => x ** 4)) - 3)).toBeLessThan(0.12);
  });

  test('draws below a bound are all there, about equally often', () => {
    const random = randomFrom(3);
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) {
      const drawn = random.below(3);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(450);
    expect(() => random.below(0)).toThrow('bound: expected an integer from 1 to 2^32, got 0');
  });

  test('a seed that is no integer is refused', () => {
    expect(() => randomFrom(0.5)).toThrow('seed: expected a safe integer, got 0.5');
  });
});

describe('hashFloat', () => {
  const part = fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.string());

  test('depends on nothing but its arguments, and lies in [0, 1)', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(part), (seed, parts) => {
        const value = hashFloat(seed, ...parts);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThan(1);
        expect(hashFloat(seed, ...parts)).toBe(value);
      }),
    );
  });

  test('tells seeds, kinds, order and grouping of parts apart', () => {
    const values = [
      hashFloat(1, 'a', 'bc'),
      hashFloat(2, 'a', 'bc'),
      hashFloat(1, 'ab', 'c'),
      hashFloat(1, 'bc', 'a'),
      hashFloat(1, 1),
      hashFloat(1, '1'),
      hashFloat(1, 2 ** 32 + 1),
      hashFloat(1),
      hashFloat(1, ''),
    ];
    expect(new Set(values).size).toBe(values.length);
  });

  test('neighbouring ordinals look independent', () => {
    const count = 20_000;
    const values = Float64Array.from({ length: count }, (_, i) => hashFloat(7, 'plan', i));
    expect(mean(values)).toBeCloseTo(0.5, 1);
    const pairs = values.map((x, i) => (x - 0.5) * ((values[(i + 1) % count] ?? 0) - 0.5));
    expect(Math.abs(mean(pairs))).toBeLessThan(5 / (12 * Math.sqrt(count)));
  });

  test('hashUint32 gives whole numbers below 2^32', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(part), (seed, parts) => {
        const value = hashUint32(seed, ...parts);
        expect(value).toBe(value >>> 0);
        expect(hashUint32(seed, ...parts)).toBe(value);
      }),
    );
  });
});

describe('radicalInverse', () => {
  test('is the van der Corput sequence', () => {
    expect(Array.from({ length: 8 }, (_, i) => radicalInverse(i))).toEqual([
      0,
      1 / 2,
      1 / 4,
      3 / 4,
      1 / 8,
      5 / 8,
      3 / 8,
      7 / 8,
    ]);
    expect(radicalInverse(2 ** 40)).toBe(2 ** -41);
  });

  test('any run of numbers fills a part of the unit interval by its length', () => {
    fc.assert(
      fc.property(
        fc.nat(1e6),
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (from, n, share) => {
          const inside = Array.from({ length: n }, (_, i) => radicalInverse(from + i)).filter((x) => x < share).length;
          expect(Math.abs(inside - n * share)).toBeLessThanOrEqual(2 * Math.log2(n) + 4);
        },
      ),
    );
  });

  test('an index that is no whole number is refused', () => {
    expect(() => radicalInverse(-1)).toThrow('index: expected a safe integer from 0, got -1');
  });
});

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
