import fc from 'fast-check';
import { expect, test } from 'vitest';

import { gram, kernelRowSums, kernelSum } from '../../../../operators/kernels/mmd/gram.js';
import { type Kernel, kernelFunction } from '../../../../operators/kernels/mmd/kernel.js';
import type { Points } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

function normals(size: number, dimensions: number, seed: number): Points {
  const random = randomFrom(seed);
  return { data: Float32Array.from({ length: size * dimensions }, () => random.gaussian() / 3), size, dimensions };
}

const size = fc.integer({ min: 1, max: 150 });
const kernel = fc.constantFrom<Kernel>({ name: 'rbf', bandwidth: 0.7 }, { name: 'linear' });

test('the matrix, its weighted row sums and its sum equal those of plain loops, within a set and across two', () => {
  fc.assert(
    fc.property(size, size, kernel, fc.boolean(), fc.boolean(), fc.nat(), (n, m, chosen, simd, isOne, seed) => {
      const a = normals(n, 6, seed);
      const b = isOne ? a : normals(m, 6, seed + 1);
      const random = randomFrom(seed);
      const weights = Float64Array.from({ length: b.size }, () => random.float());
      const k = kernelFunction(chosen);
      const matrix = gram(a, b, chosen, { simd });
      const sums = kernelRowSums(a, b, chosen, { simd, weights });
      const plainSums = kernelRowSums(a, b, chosen, { simd });
      let total = 0;
      let greatest = 0;
      const hold = (found: number | undefined, expected: number, terms: number) => {
        greatest = Math.max(greatest, Math.abs((found ?? Number.POSITIVE_INFINITY) - expected) / terms);
      };
      for (let i = 0; i < a.size; i++) {
        let [weighted, row] = [0, 0];
        for (let j = 0; j < b.size; j++) {
          const value = k(a, i, b, j);
          hold(matrix[i * b.size + j], value, 1);
          weighted += value * (weights[j] ?? 0);
          row += value;
        }
        hold(sums[i], weighted, b.size);
        hold(plainSums[i], row, b.size);
        total += row;
      }
      hold(kernelSum(a, b, chosen, { simd }), total, a.size * b.size);
      expect(greatest).toBeLessThan(1e-6);
    }),
    { numRuns: 25 },
  );
});

test('progress only grows, to 1', () => {
  const points = normals(200, 3, 1);
  const shares: number[] = [];
  kernelSum(points, points, 1, { progress: (share) => shares.push(share) });
  expect(shares).toHaveLength(4);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
});

test('refuses weights that do not fit', () => {
  const points = normals(3, 2, 1);
  expect(() => kernelRowSums(points, points, 1, { weights: Float64Array.of(1) })).toThrow('expected 3 of them, got 1');
});
