import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { exactMmd2, exactWeightedMmd2 } from '../../../../operators/kernels/mmd/exact-mmd.js';
import type { Kernel } from '../../../../operators/kernels/mmd/kernel.js';
import { biasedMmd2, unbiasedMmd2, weightedMmd2 } from '../../../../operators/kernels/mmd/mmd.js';
import { type Points, stack } from '../../../../operators/kernels/points.js';
import { type Random, randomFrom } from '../../../../operators/kernels/random.js';

const line = (...values: number[]) => stack(values.map((value) => [value]));
const kernels: readonly Kernel[] = [
  { name: 'rbf', bandwidth: 0.8 },
  { name: 'rbf', bandwidth: 0.05 },
  { name: 'linear' },
];

function normals(random: Random, size: number, dimensions: number, shift = 0): Points {
  const data = Float64Array.from(
    { length: size * dimensions },
    (_, i) => random.gaussian() + (i % dimensions === 0 ? shift : 0),
  );
  return { data, size, dimensions };
}

describe.each([true, false])('exact MMD in tiles, SIMD: %s', (simd) => {
  test('T1: biased and unbiased, the latter negative', () => {
    const { biased, unbiased } = exactMmd2(line(0, 1, 2), line(1, 3), 1, { simd });
    expect(biased).toBeCloseTo(0.2119659115, 6);
    expect(unbiased).toBeCloseTo(-0.4038779355, 6);
  });

  test('T3: weights give the value of the plain estimator', () => {
    const weights = Float64Array.of(0.7814359431, 0.2185640569);
    expect(exactWeightedMmd2(line(0, 1, 2), line(1, 3), weights, 1, { simd })).toBeCloseTo(0.0749923157, 6);
  });

  test('T4: the unbiased estimate averages to the population value 0.0328016838', () => {
    const random = randomFrom(3);
    const runs = 300;
    const estimates = Array.from(
      { length: runs },
      () => exactMmd2(normals(random, 30, 10), normals(random, 30, 10, 1), Math.sqrt(10), { simd }).unbiased ?? 0,
    );
    const mean = estimates.reduce((sum, value) => sum + value, 0) / runs;
    const variance = estimates.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (runs - 1);
    expect(Math.abs(mean - 0.0328016838)).toBeLessThan(4 * Math.sqrt(variance / runs));
  });

  test('equals the plain estimators to 1e-6, for any sizes, dimensions and kernel', () => {
    const size = fc.integer({ min: 2, max: 100 });
    fc.assert(
      fc.property(
        size,
        size,
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(...kernels),
        fc.nat(),
        (n, m, d, kernel, seed) => {
          const random = randomFrom(seed);
          const [x, y] = [normals(random, n, d), normals(random, m, d, 0.5)];
          const found = exactMmd2(x, y, kernel, { simd });
          expect(found.unbiased).toBeCloseTo(unbiasedMmd2(x, y, kernel), 6);
          expect(found.biased).toBeCloseTo(biasedMmd2(x, y, kernel), 6);
          const raw = Float64Array.from({ length: m }, () => random.float());
          const sum = raw.reduce((total, w) => total + w, 0);
          const weights = raw.map((w) => w / sum);
          // the linear kernel's values are as large as the squared norms
          const digits = kernel.name === 'linear' ? 4 : 6;
          expect(exactWeightedMmd2(x, y, weights, kernel, { simd })).toBeCloseTo(
            weightedMmd2(x, y, weights, kernel),
            digits,
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each(kernels)(
    'T5: no distance to itself, symmetric, blind to order, biased at least unbiased (%j)',
    (kernel) => {
      const random = randomFrom(8);
      const [x, y] = [normals(random, 90, 5), normals(random, 70, 5, 1)];
      const even = new Float64Array(90).fill(1 / 90);
      expect(Math.abs(exactMmd2(x, x, kernel, { simd }).biased)).toBeLessThan(1e-9);
      expect(exactWeightedMmd2(x, x, even, kernel, { simd })).toBeCloseTo(0, 6);
      const { biased, unbiased } = exactMmd2(x, y, kernel, { simd });
      const turned = exactMmd2(y, reversed(x), kernel, { simd });
      expect(turned.biased).toBeCloseTo(biased, 6);
      expect(turned.unbiased).toBeCloseTo(unbiased ?? 0, 6);
      expect(biased).toBeGreaterThan(unbiased ?? 0);
    },
  );

  test('all points equal are at no distance; one point has no unbiased estimate', () => {
    const equal = stack(new Array(70).fill([0.3, -0.2]));
    for (const kernel of kernels) expect(exactMmd2(equal, equal, kernel, { simd }).unbiased).toBeCloseTo(0, 12);
    expect(exactMmd2(line(1), line(1, 2), 1, { simd }).unbiased).toBeNull();
    expect(
      exactMmd2(
        stack([[0, 0]]),
        stack([
          [0, 0],
          [0, 0],
        ]),
        1,
        { simd },
      ).biased,
    ).toBe(0);
  });
});

test('progress only grows, to 1, over all three sums', () => {
  const random = randomFrom(1);
  const [x, y] = [normals(random, 150, 3), normals(random, 90, 3)];
  const shares: number[] = [];
  exactMmd2(x, y, 1, { progress: (share) => shares.push(share) });
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
  shares.length = 0;
  exactWeightedMmd2(x, y, new Float64Array(90).fill(1 / 90), 1, { progress: (share) => shares.push(share) });
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
});

test('what has no MMD is refused', () => {
  const none: Points = { data: new Float32Array(), size: 0, dimensions: 1 };
  expect(() => exactMmd2(none, line(1), 1)).toThrow('points: expected at least 1 in each sample, got 0');
  expect(() => exactMmd2(line(1), stack([[1, 2]]), 1)).toThrow('points: expected equal dimensions, got 1 and 2');
  expect(() => exactMmd2(line(1, Number.NaN), line(1), 1)).toThrow('expected finite numbers, got NaN in point 1');
  expect(() => exactMmd2(line(1, Number.NaN), line(1), { name: 'linear' })).toThrow('expected finite numbers');
  expect(() => exactMmd2(line(1), line(1), 0)).toThrow('bandwidth: expected a positive number, got 0');
  expect(() => exactWeightedMmd2(line(1), line(1, 2), Float64Array.of(1), 1)).toThrow('weights: expected 2 of them');
});

function reversed({ data, size, dimensions }: Points): Points {
  const rows = Array.from({ length: size }, (_, i) => [...data.subarray(i * dimensions, (i + 1) * dimensions)]);
  return stack(rows.toReversed());
}
