import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { across, within } from '../../../../operators/kernels/diversity/neighbours.js';
import { biasedMmd2 } from '../../../../operators/kernels/mmd/mmd.js';
import { type Points, stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

function units(size: number, dimensions: number, seed: number): Points {
  const random = randomFrom(seed);
  const { data } = stack(
    Array.from({ length: size }, () => {
      const vector = Array.from({ length: dimensions }, () => random.gaussian());
      const norm = Math.hypot(...vector);
      return vector.map((x) => x / norm);
    }),
  );
  return { data: Float32Array.from(data), size, dimensions };
}

/** Row by row, in float64. */
function cosines(a: Points, b: Points): readonly (readonly number[])[] {
  const row = ({ data, dimensions }: Points, i: number) => [...data.subarray(i * dimensions, (i + 1) * dimensions)];
  return Array.from({ length: a.size }, (_, i) =>
    Array.from({ length: b.size }, (_, j) => row(a, i).reduce((sum, x, k) => sum + x * (row(b, j)[k] ?? 0), 0)),
  );
}

const falling = (values: readonly number[]) => values.toSorted((a, b) => b - a);
const sizes = fc.integer({ min: 2, max: 80 });

describe('within a set', () => {
  test('neighbours, means and the kernel sum equal those of a sorted matrix', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.integer({ min: 1, max: 6 }), (size, seed, k) => {
        const points = units(size, 7, seed);
        const neighbours = Math.min(k, size - 1);
        const found = within(points, neighbours, 0.7);
        const others = cosines(points, points).map((row, i) => row.filter((_, j) => j !== i));
        let kernelSum = 0;
        for (const [i, row] of others.entries()) {
          expect(found.nearest[i]).toBeCloseTo(falling(row)[0] ?? 0, 5);
          expect(found.rim[i]).toBeCloseTo(falling(row)[neighbours - 1] ?? 0, 5);
          expect(found.mean[i]).toBeCloseTo(row.reduce((sum, x) => sum + x, 0) / row.length, 5);
          for (const cosine of row) kernelSum += Math.exp((cosine - 1) / 0.49);
        }
        expect(found.kernelSum / (size * (size - 1))).toBeCloseTo(kernelSum / (size * (size - 1)), 5);
      }),
      { numRuns: 40 },
    );
  });

  test('copies count as neighbours, and the share of the work only grows', () => {
    const points = units(200, 5, 1);
    points.data.copyWithin(5, 0, 5);
    points.data.copyWithin(10, 0, 5);
    const shares: number[] = [];
    const { nearest, rim } = within(points, 2, 1, (share) => shares.push(share));
    expect([rim[0], rim[1], rim[2]].every((cosine) => Math.abs((cosine ?? 0) - 1) < 1e-6)).toBe(true);
    expect(nearest[0]).toBe(nearest[1]);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });

  test.each([0, 3, 1.5])('refuses %d neighbours of three points', (neighbours) => {
    expect(() => within(units(3, 2, 1), neighbours, 1)).toThrow('neighbours: expected an integer from 1 to 2');
  });
});

describe('across two sets', () => {
  test('neighbours, balls and the kernel sum equal those of a matrix', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.nat(), (n, m, seed) => {
        const a = units(n, 5, seed);
        const b = units(m, 5, seed + 1);
        const [rimOfA, rimOfB] = [within(a, 1, 1).rim, within(b, 1, 1).rim];
        const found = across(a, b, rimOfA, rimOfB, 0.8);
        const matrix = cosines(a, b);
        const column = (j: number) => matrix.map((row) => row[j] ?? 0);
        const inBall = (cosine: number, rim: number | undefined) => cosine >= (rim ?? 1);
        let hits = 0;
        for (const [i, row] of matrix.entries()) {
          expect(found.nearestOfA[i]).toBeCloseTo(Math.max(...row), 5);
          hits += row.filter((cosine) => inBall(cosine, rimOfA[i])).length;
        }
        for (let j = 0; j < m; j++) expect(found.nearestOfB[j]).toBeCloseTo(Math.max(...column(j)), 5);
        expect(found.ballHits).toBe(hits);
        expect(found.aInBalls).toBe(matrix.filter((row) => row.some((cosine, j) => inBall(cosine, rimOfB[j]))).length);
        const inReal = Array.from({ length: m }, (_, j) => column(j).some((cosine, i) => inBall(cosine, rimOfA[i])));
        expect(found.bInBalls).toBe(inReal.filter(Boolean).length);
      }),
      { numRuns: 40 },
    );
  });

  test('the kernel sums make the MMD of the exact kernel', () => {
    const [a, b] = [units(90, 6, 4), units(70, 6, 9)];
    const [inA, inB] = [within(a, 1, 0.6), within(b, 1, 0.6)];
    const { kernelSum } = across(a, b, inA.rim, inB.rim, 0.6);
    const mmd2 = (inA.kernelSum + 90) / 90 ** 2 + (inB.kernelSum + 70) / 70 ** 2 - (2 * kernelSum) / (90 * 70);
    expect(mmd2).toBeCloseTo(biasedMmd2(a, b, 0.6), 6);
  });

  test('a copy lies on or within the ball of its original, even of radius 0', () => {
    const a = units(20, 8, 2);
    a.data.copyWithin(8, 0, 8);
    const b = { ...a, data: a.data.slice(0, 8), size: 1 };
    const { rim } = within(a, 1, 1);
    const found = across(a, b, rim, Float32Array.of(1), 1);
    expect(found.nearestOfA[0]).toBeGreaterThanOrEqual(rim[0] ?? 2);
    expect(found.bInBalls).toBe(1);
  });
});
