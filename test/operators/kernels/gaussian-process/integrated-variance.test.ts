import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, test } from 'vitest';

import { IntegratedVariance } from '../../../../operators/kernels/gaussian-process/integrated-variance.js';
import { type Points, squaredDistance, stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

function gaussians(size: number, dimensions: number, seed: number): Points {
  const random = randomFrom(seed);
  return { data: Float32Array.from({ length: size * dimensions }, () => random.gaussian()), size, dimensions };
}

/** The posterior covariance of all points given the picked ones, by ml-matrix. */
function solved(points: Points, picked: readonly number[], bandwidth: number): Matrix {
  const all = Array.from({ length: points.size }, (_, i) => i);
  const kernel = (rows: readonly number[], columns: readonly number[]) =>
    new Matrix(
      rows.map((i) => columns.map((j) => Math.exp(-squaredDistance(points, i, points, j) / (2 * bandwidth ** 2)))),
    );
  if (picked.length === 0) return kernel(all, all);
  const noisy = kernel(picked, picked).add(Matrix.eye(picked.length).mul(1e-8));
  const across = kernel(picked, all);
  return kernel(all, all).sub(across.transpose().mmul(new CholeskyDecomposition(noisy).solve(across)));
}

describe('IntegratedVariance', () => {
  test('each pick takes most from the variances of all points, as a solve says', () => {
    const points = gaussians(60, 4, 1);
    const integrated = new IntegratedVariance({ points, bandwidth: 1.5, jitter: 1e-8 });
    const picked: number[] = [];
    for (let pick = 0; pick < 15; pick++) {
      const covariance = solved(points, picked, 1.5);
      const scores = Array.from({ length: points.size }, (_, p) => {
        let sum = 0;
        for (let j = 0; j < points.size; j++) sum += covariance.get(j, p) ** 2;
        return picked.includes(p) ? 0 : sum / (covariance.get(p, p) + 1e-3);
      });
      const { index, variance } = integrated.next();
      expect(scores[index]).toBeGreaterThan(Math.max(...scores) * (1 - 1e-4));
      expect(Math.abs(variance - covariance.get(index, index))).toBeLessThan(1e-9);
      picked.push(index);
    }
    expect(new Set(picked).size).toBe(15);
    expect(integrated.informative).toBe(true);
  });

  test('leaves less variance over all points than picks at random, and than the least known ones', () => {
    const points = gaussians(400, 6, 2);
    const random = randomFrom(5);
    const left = (order: () => number | undefined) => {
      const process = new IntegratedVariance({ points, bandwidth: 1.5, evaluated: 128 });
      for (let pick = 0; pick < 30; pick++) process.next(order());
      return process.residuals.reduce((sum, value) => sum + value, 0);
    };
    const chosen = left(() => undefined);
    const rows = Array.from(points.data.subarray(0, 30), (_, i) => 13 * i + random.below(13));
    expect(chosen).toBeLessThan(left(() => rows.pop()) - 1);
  });

  test('picks among some rows, all of them once, and the same again with the same seed', () => {
    const points = gaussians(50, 3, 3);
    const rows = Uint32Array.from({ length: 25 }, (_, i) => 2 * i);
    const orderOf = () => {
      const integrated = new IntegratedVariance({ points, rows, bandwidth: 1, evaluated: 10, seed: 4 });
      return Array.from({ length: 25 }, () => integrated.next().index);
    };
    const order = orderOf();
    expect(order.toSorted((a, b) => a - b)).toEqual([...rows]);
    expect(orderOf()).toEqual(order);
  });

  test('T13 points that tell nothing of each other do not come in their order', () => {
    const integrated = new IntegratedVariance({ points: gaussians(100, 16, 7), bandwidth: 0.1 });
    const order = Array.from({ length: 50 }, () => integrated.next().index);
    expect(integrated.informative).toBe(false);
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
  });

  test('refuses what GreedyVariance refuses, and no evaluated points', () => {
    expect(() => new IntegratedVariance({ points: stack([[1, Number.NaN]]), bandwidth: 1 })).toThrow(/finite numbers/);
    expect(() => new IntegratedVariance({ points: stack([[1]]), bandwidth: 1, evaluated: 0 })).toThrow(/evaluated/);
    const one = new IntegratedVariance({ points: stack([[1]]), bandwidth: 1 });
    expect(one.next()).toEqual({ index: 0, variance: 1 });
    expect(() => one.next()).toThrow(/all 1 points have been picked/);
  });
});
