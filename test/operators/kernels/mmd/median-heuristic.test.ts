import { describe, expect, test } from 'vitest';

import { medianHeuristic } from '../../../../operators/kernels/mmd/median-heuristic.js';
import { rbf } from '../../../../operators/kernels/mmd/rbf.js';
import { stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

const line = (...values: number[]) => stack(values.map((value) => [value]));

describe('medianHeuristic', () => {
  test('two points at the median distance have a kernel of 1/e', () => {
    const bandwidth = medianHeuristic(line(0, 1, 3));
    expect(bandwidth).toBeCloseTo(Math.sqrt(4 / 2), 14);
    expect(rbf(4, bandwidth)).toBeCloseTo(Math.exp(-1), 14);
  });

  test('an even number of pairs gives the mean of the middle two', () => {
    // squared distances 1, 1, 4, 4, 9, 9 of four points, doubled ones included
    expect(medianHeuristic(line(0, 1, 3, 3))).toBeCloseTo(Math.sqrt((4 + 4) / 2 / 2), 14);
    expect(medianHeuristic(line(0, 1, 2, 4))).toBeCloseTo(Math.sqrt(4 / 2), 14);
  });

  test('where most points coincide, those count that do not; where all do, it is 1', () => {
    expect(medianHeuristic(line(5, 5, 5, 5, 8))).toBeCloseTo(Math.sqrt(9 / 2), 14);
    expect(medianHeuristic(line(5, 5, 5))).toBe(1);
  });

  test('a draw of many points is close to all of them, and the same each time', () => {
    const random = randomFrom(4);
    const points = stack(Array.from({ length: 900 }, () => [random.gaussian(), random.gaussian(), random.gaussian()]));
    const all = medianHeuristic(points, { maxPoints: 900 });
    const drawn = medianHeuristic(points, { maxPoints: 300, seed: 9 });
    expect(Math.abs(drawn / all - 1)).toBeLessThan(0.1);
    expect(medianHeuristic(points, { maxPoints: 300, seed: 9 })).toBe(drawn);
    expect(medianHeuristic(points, { maxPoints: 300, seed: 10 })).not.toBe(drawn);
  });

  test('what has no median is refused', () => {
    expect(() => medianHeuristic(line(1))).toThrow('points: expected at least 2, got 1');
    expect(() => medianHeuristic(line(1, Number.NaN))).toThrow('points: expected finite numbers');
    expect(() => medianHeuristic(line(1, 2), { maxPoints: 1 })).toThrow('maxPoints: expected an integer from 2, got 1');
  });
});
