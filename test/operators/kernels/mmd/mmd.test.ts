import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { biasedMmd2, linearMmd2, unbiasedMmd2, weightedMmd2 } from '../../../../operators/kernels/mmd/mmd.js';
import { type Points, squaredDistance, stack } from '../../../../operators/kernels/points.js';
import { type Random, randomFrom } from '../../../../operators/kernels/random.js';

const line = (...values: number[]) => stack(values.map((value) => [value]));
const coordinate = fc.double({ min: -3, max: 3, noNaN: true });
const sample = fc.array(fc.tuple(coordinate, coordinate, coordinate), { minLength: 2, maxLength: 8 });

describe('MMD of two samples', () => {
  test('T1: biased and unbiased, the latter negative', () => {
    expect(biasedMmd2(line(0, 1, 2), line(1, 3), 1)).toBeCloseTo(0.2119659115, 10);
    expect(unbiasedMmd2(line(0, 1, 2), line(1, 3), 1)).toBeCloseTo(-0.4038779355, 10);
  });

  test('T2: linear-time', () => {
    expect(linearMmd2(line(0, 1, 2, 3), line(1, 1, 4, 0), 1)).toBeCloseTo(-0.0674999103, 10);
    expect(linearMmd2(line(0, 1, 2, 3, 9), line(1, 1, 4, 0), 1)).toBeCloseTo(-0.0674999103, 10);
  });

  test.each([
    { dimensions: 1, shift: 1, spread: 1, bandwidth: 1, expected: 0.1772676349 },
    { dimensions: 1, shift: 0, spread: 2, bandwidth: 1, expected: 0.0941870216 },
    { dimensions: 10, shift: 1, spread: 1, bandwidth: Math.sqrt(10), expected: 0.0328016838 },
  ])('T4: the unbiased estimate averages to the population value $expected', (fixture) => {
    const { dimensions, shift, spread, bandwidth, expected } = fixture;
    expect(populationMmd2(dimensions, shift, 1, spread, bandwidth)).toBeCloseTo(expected, 10);
    const random = randomFrom(11);
    const runs = 1500;
    const estimates = Array.from({ length: runs }, () =>
      unbiasedMmd2(normals(random, 20, dimensions, 0, 1), normals(random, 20, dimensions, shift, spread), bandwidth),
    );
    const mean = estimates.reduce((sum, value) => sum + value, 0) / runs;
    const variance = estimates.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (runs - 1);
    expect(Math.abs(mean - expected)).toBeLessThan(4 * Math.sqrt(variance / runs));
  });

  test('T5: a sample is at no distance from itself, weighted evenly or not at all', () => {
    fc.assert(
      fc.property(sample, (rows) => {
        const x = stack(rows);
        const even = new Float64Array(rows.length).fill(1 / rows.length);
        expect(Math.abs(biasedMmd2(x, x, 1))).toBeLessThan(1e-12);
        expect(Math.abs(weightedMmd2(x, x, even, 1))).toBeLessThan(1e-12);
      }),
    );
  });

  test('T5: symmetric, biased at least unbiased, blind to order', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const [x, y, turned] = [stack(a), stack(b), stack(a.toReversed())];
        for (const mmd2 of [biasedMmd2, unbiasedMmd2]) {
          expect(mmd2(x, y, 0.8)).toBeCloseTo(mmd2(y, x, 0.8), 12);
          expect(mmd2(x, y, 0.8)).toBeCloseTo(mmd2(turned, y, 0.8), 12);
        }
        expect(linearMmd2(x, y, 0.8)).toBeCloseTo(linearMmd2(y, x, 0.8), 12);
        expect(biasedMmd2(x, y, 0.8)).toBeGreaterThanOrEqual(unbiasedMmd2(x, y, 0.8) - 1e-12);
      }),
    );
  });

  test('even weights give the biased estimate, and the best ones less', () => {
    const [x, y] = [line(0, 1, 2), line(1, 3)];
    expect(weightedMmd2(x, y, Float64Array.of(0.5, 0.5), 1)).toBeCloseTo(biasedMmd2(x, y, 1), 14);
    expect(weightedMmd2(x, y, Float64Array.of(0.7814359431, 0.2185640569), 1)).toBeCloseTo(0.0749923157, 10);
  });

  test('by the linear kernel it is the squared distance of the means', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const mean = (rows: readonly (readonly number[])[], k: number) =>
          rows.reduce((sum, row) => sum + (row[k] ?? 0), 0) / rows.length;
        const expected = [0, 1, 2].reduce((sum, k) => sum + (mean(a, k) - mean(b, k)) ** 2, 0);
        expect(biasedMmd2(stack(a), stack(b), { name: 'linear' })).toBeCloseTo(expected, 10);
      }),
    );
  });

  test('distances are those of a plain loop, in any number of dimensions and either precision', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(), (dimensions, seed) => {
        const random = randomFrom(seed);
        const x = normals(random, 3, dimensions, 0, 1);
        const y: Points = { ...x, data: Float32Array.from(x.data, () => random.gaussian()) };
        let expected = 0;
        for (let k = 0; k < dimensions; k++) {
          expected += ((x.data[2 * dimensions + k] ?? Number.NaN) - (y.data[dimensions + k] ?? Number.NaN)) ** 2;
        }
        expect(squaredDistance(x, 2, y, 1)).toBeCloseTo(expected, 10);
      }),
    );
  });

  test('what has no MMD is refused', () => {
    expect(() => unbiasedMmd2(line(1), line(1, 2), 1)).toThrow('points: expected at least 2 in each sample, got 1');
    expect(() => biasedMmd2(line(1), stack([[1, 2]]), 1)).toThrow('points: expected equal dimensions, got 1 and 2');
    expect(() => biasedMmd2(line(1), line(2), 0)).toThrow('bandwidth: expected a positive number, got 0');
    expect(() => linearMmd2(line(1, 2), line(2, 3), Number.NaN)).toThrow('bandwidth');
    expect(() => weightedMmd2(line(1), line(2), Float64Array.of(0.5, 0.5), 1)).toThrow('weights: expected 1 of them');
    expect(() => stack([])).toThrow('vectors: expected at least one vector');
    expect(() => stack([[1], [1, 2]])).toThrow('vectors: expected 1 numbers in each, got 2 in vector 1');
  });
});

function normals(random: Random, size: number, dimensions: number, shift: number, spread: number): Points {
  const data = Float64Array.from(
    { length: size * dimensions },
    // the shift lies in the first coordinate, so that its length is that of the whole shift
    (_, i) => spread * random.gaussian() + (i % dimensions === 0 ? shift : 0),
  );
  return { data, size, dimensions };
}

/** Of N(0, s1^2 I) and N(shift, s2^2 I), in closed form. */
function populationMmd2(dimensions: number, shift: number, s1: number, s2: number, bandwidth: number): number {
  const b = bandwidth ** 2;
  const term = (variance: number) => (b / (b + variance)) ** (dimensions / 2);
  const cross = term(s1 ** 2 + s2 ** 2) * Math.exp(-(shift ** 2) / (2 * (b + s1 ** 2 + s2 ** 2)));
  return term(2 * s1 ** 2) + term(2 * s2 ** 2) - 2 * cross;
}
