import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { leastCost, projectToSimplex, simplexShift } from '../../../../operators/kernels/weights/simplex.js';

const numbers = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 30 });
const caps = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.double({ min: 1, max: 5, noNaN: true }));

/** The projection by sorting all points at which the sum bends, and trying each piece between them. */
function slowProjection(values: readonly number[], cap: number): readonly number[] {
  const cut = (shift: number) => values.map((value) => Math.min(cap, Math.max(0, value - shift)));
  const sum = (shift: number) => cut(shift).reduce((total, weight) => total + weight, 0);
  const bends = [...values, ...(cap < 2 ? values.map((value) => value - cap) : [Math.min(...values) - 1])];
  const sorted = bends.toSorted((a, b) => b - a);
  // the sum rises from 0 as the shift falls
  const below = sorted.findIndex((bend) => sum(bend) >= 1);
  if (below === -1) return cut(sorted.at(-1) ?? 0);
  const [left, right] = [sorted[below] ?? 0, sorted[below - 1] ?? 0];
  const [high, low] = [sum(left), sum(right)];
  return cut(high === low ? left : left + ((high - 1) / (high - low)) * (right - left));
}

describe('projectToSimplex', () => {
  test('known projections', () => {
    expect([...projectToSimplex(Float64Array.of(0.9, 0.5, -1))]).toEqual([
      expect.closeTo(0.7, 12),
      expect.closeTo(0.3, 12),
      0,
    ]);
    expect([...projectToSimplex(Float64Array.of(0.9, 0.5, -1), 0.6)]).toEqual([0.6, expect.closeTo(0.4, 12), 0]);
    expect([...projectToSimplex(Float64Array.of(7, 7, 7, 7))]).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect([...projectToSimplex(Float64Array.of(-1e6, 1e6))]).toEqual([0, 1]);
  });

  test('is that of a slow reference, with a cap and without', () => {
    fc.assert(
      fc.property(numbers, caps, (values, scaled) => {
        const cap = scaled / values.length;
        const expected = slowProjection(values, cap);
        const projected = projectToSimplex(Float64Array.from(values), cap);
        for (const [i, weight] of projected.entries()) expect(weight).toBeCloseTo(expected[i] ?? Number.NaN, 10);
      }),
    );
  });

  test('is feasible, and no feasible point is nearer: the angle to each corner is not acute', () => {
    fc.assert(
      fc.property(numbers, caps, (values, scaled) => {
        const cap = scaled / values.length;
        const point = Float64Array.from(values);
        const projected = projectToSimplex(point, cap);
        expect(projected.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
        for (const weight of projected) expect(weight >= 0 && weight <= cap * (1 + 1e-12)).toBe(true);
        // (v - p).(s - p) <= 0 for all feasible s: the most that s can make of it is the least cost of p - v
        const pull = point.map((value, i) => (projected[i] ?? 0) - value);
        const own = pull.reduce((sum, value, i) => sum + value * (projected[i] ?? 0), 0);
        expect(leastCost(pull, cap)).toBeGreaterThan(own - 1e-9);
      }),
    );
  });

  test('a feasible point is its own projection, in place too', () => {
    const point = Float64Array.of(0.5, 0.2, 0.3, 0);
    expect(projectToSimplex(point, 0.6, point)).toBe(point);
    for (const [i, expected] of [0.5, 0.2, 0.3, 0].entries()) expect(point[i]).toBeCloseTo(expected, 12);
  });

  test('a cap of 1 / n leaves even weights, and one value all of it', () => {
    expect([...projectToSimplex(Float64Array.of(5, -3, 0.1), 1 / 3)]).toEqual([1 / 3, 1 / 3, 1 / 3]);
    expect([...projectToSimplex(Float64Array.of(-8))]).toEqual([1]);
  });

  test('many values, far apart and all alike', () => {
    const values = Float64Array.from({ length: 20_000 }, (_, i) => Math.sin(i) * 10 ** (i % 7));
    for (const cap of [Number.POSITIVE_INFINITY, 3 / 20_000]) {
      const sum = projectToSimplex(values, cap).reduce((total, weight) => total + weight, 0);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-8);
    }
    expect(simplexShift(new Float64Array(20_000).fill(1e5))).toBeCloseTo(1e5 - 1 / 20_000, 9);
  });

  test('refuses what has no projection', () => {
    expect(() => projectToSimplex(new Float64Array(0))).toThrow('expected at least one');
    expect(() => projectToSimplex(Float64Array.of(1, Number.NaN))).toThrow('expected finite numbers');
    expect(() => projectToSimplex(Float64Array.of(1, Number.NEGATIVE_INFINITY))).toThrow('expected finite numbers');
    expect(() => projectToSimplex(Float64Array.of(1, 2), 0.4)).toThrow('cap: expected at least 1 / 2');
    expect(() => projectToSimplex(Float64Array.of(1, 2), Number.NaN)).toThrow('cap: expected');
  });
});

test('leastCost fills the cheapest up to the cap', () => {
  expect(leastCost(Float64Array.of(3, 1, 2))).toBe(1);
  expect(leastCost(Float64Array.of(3, 1, 2), 0.5)).toBe(1.5);
  expect(leastCost(Float64Array.of(3, 1, 2), 1 / 3)).toBeCloseTo(2, 12);
});
