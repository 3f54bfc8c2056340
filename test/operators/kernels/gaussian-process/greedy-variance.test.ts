import fc from 'fast-check';
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, test } from 'vitest';

import { GreedyVariance } from '../../../../operators/kernels/gaussian-process/greedy-variance.js';
import { medianHeuristic } from '../../../../operators/kernels/mmd/median-heuristic.js';
import { type Points, squaredDistance, stack } from '../../../../operators/kernels/points.js';
import { hashUint32, randomFrom } from '../../../../operators/kernels/random.js';

function line(...values: readonly number[]): Points {
  return stack(values.map((value) => [value]));
}

function gaussians(size: number, dimensions: number, seed: number): Points {
  const random = randomFrom(seed);
  const data = Float64Array.from({ length: size * dimensions }, () => random.gaussian());
  return { data, size, dimensions };
}

function picksOf(greedy: GreedyVariance, count: number, first?: number) {
  return Array.from({ length: count }, (_, i) => (i === 0 ? greedy.next(first) : greedy.next()));
}

/** Greedy picks with all variances brought up to date at each: columns of the factor, by plain loops. */
function eagerPicks(points: Points, bandwidth: number, jitter: number, seed: number, count: number): number[] {
  const kernel = (i: number, j: number) => Math.exp(-squaredDistance(points, i, points, j) / (2 * bandwidth ** 2));
  const variances = new Float64Array(points.size).fill(1);
  const columns: Float64Array[] = [];
  const picks: number[] = [];
  while (picks.length < count) {
    const open = [...variances.keys()].filter((i) => !picks.includes(i));
    const most = Math.max(...open.map((i) => variances[i] ?? 0));
    const equal = open.filter((i) => (variances[i] ?? 0) >= most - 1e-12);
    const pick = equal.toSorted((i, j) => hashUint32(seed, i) - hashUint32(seed, j))[0] ?? -1;
    const scale = 1 / Math.sqrt((variances[pick] ?? 0) + jitter);
    const column = variances.map((_, i) => {
      const explained = columns.reduce((sum, one) => sum + (one[i] ?? 0) * (one[pick] ?? 0), 0);
      return (kernel(i, pick) - explained) * scale;
    });
    for (const [i, value] of column.entries()) variances[i] = Math.max(0, (variances[i] ?? 0) - value * value);
    columns.push(column);
    picks.push(pick);
  }
  return picks;
}

/** The slow reference: 1 - k(x, Z) (K + jitter I)^-1 k(Z, x) for all points, by ml-matrix. */
function solvedVariances(points: Points, picked: readonly number[], bandwidth: number, jitter: number): number[] {
  const kernel = (i: number, j: number) => Math.exp(-squaredDistance(points, i, points, j) / (2 * bandwidth ** 2));
  const gram = Matrix.zeros(picked.length, picked.length);
  for (const [a, i] of picked.entries()) {
    for (const [b, j] of picked.entries()) gram.set(a, b, kernel(i, j) + (a === b ? jitter : 0));
  }
  const cholesky = new CholeskyDecomposition(gram);
  return Array.from({ length: points.size }, (_, i) => {
    const row = Matrix.columnVector(picked.map((j) => kernel(i, j)));
    return 1 - row.transpose().mmul(cholesky.solve(row)).get(0, 0);
  });
}

describe('GreedyVariance', () => {
  test('T11 greedy order on {0, 1, 2, 3.5, 10} from 0: 10, 3.5, 2, 1', () => {
    const picks = picksOf(new GreedyVariance({ points: line(0, 1, 2, 3.5, 10), bandwidth: 1 }), 5, 0);
    expect(picks.map(({ index }) => index)).toEqual([0, 4, 3, 2, 1]);
    for (const [i, variance] of [1, 1, 0.999995, 0.876477, 0.332821].entries()) {
      expect(picks[i]?.variance).toBeCloseTo(variance, 6);
    }
  });

  test('T12 residuals equal the solve-based variance, never rise, and are never negative', () => {
    const points = gaussians(60, 5, 3);
    const jitter = 1e-8;
    const greedy = new GreedyVariance({ points, bandwidth: 2, jitter });
    const picked: number[] = [];
    let before = greedy.residuals.slice();
    for (let pick = 0; pick < 10; pick++) {
      picked.push(greedy.next().index);
      const solved = solvedVariances(points, picked, 2, jitter);
      for (const [i, residual] of greedy.residuals.entries()) {
        expect(Math.abs(residual - (solved[i] ?? 0))).toBeLessThan(1e-12);
        expect(residual).toBeLessThanOrEqual(before[i] ?? 0);
        expect(residual).toBeGreaterThanOrEqual(0);
      }
      before = greedy.residuals.slice();
    }
    expect(new Set(picked).size).toBe(10);
  });

  test('residuals equal the solve-based variance on float32 unit vectors to 1e-9, after 60 picks', () => {
    const { data, size, dimensions } = gaussians(300, 32, 5);
    const unit = Float32Array.from(data);
    for (let i = 0; i < size; i++) {
      const row = unit.subarray(i * dimensions, (i + 1) * dimensions);
      const norm = Math.hypot(...row);
      row.set(row.map((value) => value / norm));
    }
    const points = { data: unit, size, dimensions };
    const bandwidth = medianHeuristic(points);
    const greedy = new GreedyVariance({ points, bandwidth, jitter: 1e-10 });
    const picked = picksOf(greedy, 60).map(({ index }) => index);
    for (const [i, variance] of solvedVariances(points, picked, bandwidth, 1e-10).entries()) {
      expect(Math.abs((greedy.residuals[i] ?? 0) - variance)).toBeLessThan(1e-9);
    }
  });

  test('each pick has the greatest solve-based variance, on any points', () => {
    const sets = fc.array(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 2, maxLength: 2 }), {
      minLength: 2,
      maxLength: 12,
    });
    fc.assert(
      fc.property(sets, fc.nat(1000), (vectors, seed) => {
        const points = stack(vectors);
        const jitter = 1e-6;
        const greedy = new GreedyVariance({ points, bandwidth: 1, jitter, seed });
        const picked: number[] = [];
        while (greedy.remaining > 0) {
          const expected = picked.length === 0 ? points.data.map(() => 1) : solvedVariances(points, picked, 1, jitter);
          const open = Array.from({ length: points.size }, (_, i) => i).filter((i) => !picked.includes(i));
          const { index, variance } = greedy.next();
          expect(open).toContain(index);
          const most = Math.max(...open.map((i) => expected[i] ?? 0));
          expect(Math.abs(variance - most)).toBeLessThan(1e-8);
          picked.push(index);
        }
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  test.each([
    ['scattered points', 1, 2],
    ['points in two places, and copies of them', 8, 1],
    ['points that tell nothing of each other', 1, 0.05],
  ])(
    'puts off no variance that a pick depends on: the order is that of an eager process (%s)',
    (_, copies, bandwidth) => {
      const { data, dimensions } = gaussians(240 / copies, 4, 12);
      const size = 240;
      const some = Float32Array.from({ length: size * dimensions }, (_, k) => data[k % data.length] ?? 0);
      const points = { data: some, size, dimensions };
      const greedy = new GreedyVariance({ points, bandwidth, jitter: 1e-8, seed: 3, expected: 5 });
      const order = picksOf(greedy, 100).map(({ index }) => index);
      expect(order).toEqual(eagerPicks(points, bandwidth, 1e-8, 3, 100));
    },
  );

  test('T13 where all distances are far beyond the length scale, this is reported, and the order is not that of the index', () => {
    const far = gaussians(100, 16, 7);
    const greedy = new GreedyVariance({ points: far, bandwidth: 0.1 });
    const order = picksOf(greedy, 50).map(({ index }) => index);
    expect(greedy.informative).toBe(false);
    expect(order).not.toEqual([...order].sort((a, b) => a - b));
    const steps = order.slice(1).filter((index, i) => index === (order[i] ?? 0) + 1);
    expect(steps.length).toBeLessThan(5);
    const again = new GreedyVariance({ points: far, bandwidth: 0.1 });
    expect(picksOf(again, 50).map(({ index }) => index)).toEqual(order);
    const other = new GreedyVariance({ points: far, bandwidth: 0.1, seed: 1 });
    expect(picksOf(other, 50).map(({ index }) => index)).not.toEqual(order);
  });

  test('T13 the length scale of the data is informative; one a million times as long is not', () => {
    const points = gaussians(100, 16, 7);
    const fitting = new GreedyVariance({ points, bandwidth: medianHeuristic(points) });
    const flat = new GreedyVariance({ points, bandwidth: 1e6 * medianHeuristic(points) });
    picksOf(fitting, 10);
    picksOf(flat, 10);
    expect(fitting.informative).toBe(true);
    expect(flat.informative).toBe(false);
  });

  test('T13 exact copies do not hide that the length scale tells nothing', () => {
    const { data, size, dimensions } = gaussians(60, 8, 9);
    const twice = Float64Array.from({ length: 1.5 * data.length }, (_, k) => data[k % data.length] ?? 0);
    const points = { data: twice, size: 1.5 * size, dimensions };
    for (const seed of [0, 1, 2]) {
      const greedy = new GreedyVariance({ points, bandwidth: 0.001, seed });
      while (greedy.remaining > 0) {
        greedy.next();
        expect(greedy.informative).toBe(false);
      }
      const fitting = new GreedyVariance({ points, bandwidth: medianHeuristic(points), seed });
      fitting.next();
      expect(fitting.informative).toBe(true);
    }
  });

  test('T13 copies of what is left are as one point: the length scale is judged by that of nothing known', () => {
    const judged = (bandwidth: number, ...values: readonly number[]) => {
      const greedy = new GreedyVariance({ points: line(...values), bandwidth });
      greedy.next(0);
      return greedy.informative;
    };
    expect([judged(1, 0, 1, 1), judged(1, 0, 0, 1), judged(0.01, 0, 1, 1), judged(1, 0, 0, 0)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('all points equal: variances of nothing, all of them picked once, uninformative', () => {
    const greedy = new GreedyVariance({ points: stack(Array.from({ length: 8 }, () => [0.6, 0.8])), bandwidth: 1 });
    const picks = picksOf(greedy, 8);
    expect(new Set(picks.map(({ index }) => index)).size).toBe(8);
    for (const { variance } of picks.slice(1)) expect(variance).toBeLessThan(1e-11);
    expect(greedy.informative).toBe(false);
    expect(() => greedy.next()).toThrow(/all 8 points have been picked/);
  });

  test('one point is picked, with the variance of nothing known', () => {
    const greedy = new GreedyVariance({ points: line(3), bandwidth: 1 });
    expect(greedy.next()).toEqual({ index: 0, variance: 1 });
    expect(greedy.informative).toBe(false);
  });

  test('two points: informative where the first tells something of the second', () => {
    const near = new GreedyVariance({ points: line(0, 1), bandwidth: 1 });
    const far = new GreedyVariance({ points: line(0, 100), bandwidth: 1 });
    near.next();
    far.next();
    expect([near.informative, far.informative]).toEqual([true, false]);
  });

  test('picks among some rows alone', () => {
    const points = line(0, 5, 1, 5, 2, 5, 3.5, 5, 10);
    const greedy = new GreedyVariance({ points, rows: Uint32Array.of(0, 2, 4, 6, 8), bandwidth: 1 });
    expect(picksOf(greedy, 5, 0).map(({ index }) => index)).toEqual([0, 8, 6, 4, 2]);
    expect(() => new GreedyVariance({ points, rows: Uint32Array.of(9), bandwidth: 1 })).toThrow(
      /rows: .* below 9, got 9/,
    );
  });

  test.each([
    ['no rows', { points: line(1), rows: new Uint32Array(0), bandwidth: 1 }, /expected at least 1/],
    ['NaN', { points: line(1, Number.NaN), bandwidth: 1 }, /finite numbers, got NaN in row 1/],
    ['no length scale', { points: line(1), bandwidth: 0 }, /bandwidth: expected a positive number, got 0/],
    ['no jitter', { points: line(1), bandwidth: 1, jitter: 0 }, /jitter: expected a positive number, got 0/],
  ])('refuses %s', (_, options, message) => {
    expect(() => new GreedyVariance(options)).toThrow(message);
  });

  test('refuses a first row that is none, or was picked', () => {
    const greedy = new GreedyVariance({ points: line(0, 1), bandwidth: 1 });
    expect(() => greedy.next(2)).toThrow(/row 2 is none of the rows/);
    greedy.next(1);
    expect(() => greedy.next(1)).toThrow(/row 1 is picked already/);
  });
});
