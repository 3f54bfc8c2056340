import { CholeskyDecomposition, inverse, Matrix } from 'ml-matrix';
import { describe, expect, test } from 'vitest';

import { GreedyVariance } from '../../../../operators/kernels/gaussian-process/greedy-variance.js';
import { PosteriorVariance } from '../../../../operators/kernels/gaussian-process/posterior-variance.js';
import { stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

const at = (value: number) => Float32Array.of(value);

function vectors(count: number, dimensions: number, seed: number): readonly Float32Array[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: dimensions }, () => random.gaussian()));
}

function kernel(a: ArrayLike<number>, b: ArrayLike<number>, bandwidth: number): number {
  let squared = 0;
  for (let i = 0; i < a.length; i++) squared += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return Math.exp(-squared / (2 * bandwidth ** 2));
}

/** K + diag(noise), the slow way. */
function gramOf(points: readonly Float32Array[], noises: readonly number[], bandwidth: number): Matrix {
  const gram = Matrix.zeros(points.length, points.length);
  for (const [i, a] of points.entries()) {
    for (const [j, b] of points.entries()) gram.set(i, j, kernel(a, b, bandwidth) + (i === j ? (noises[i] ?? 0) : 0));
  }
  return gram;
}

/** Of the point in place 0, given 40 observations. */
function projectionOf(process: PosteriorVariance): number[] {
  const into = new Float32Array(41);
  process.project(0, into, 1);
  return [...into.subarray(1)];
}

describe('PosteriorVariance', () => {
  test('T10 var(1 | {0}) = 1 - 1/e, and var(1 | {0, 2}) = 1 - 2 / e / (1 + e^-2)', () => {
    const process = new PosteriorVariance({ dimensions: 1, bandwidth: 1, capacity: 8 });
    expect(process.variance(at(1))).toBe(1);
    process.add(at(0));
    expect(process.variance(at(1))).toBeCloseTo(0.6321205588, 10);
    process.add(at(2));
    expect(process.variance(at(1))).toBeCloseTo(0.3519457263, 10);
  });

  test('is the solve-based variance to 1e-9, whatever the noise of each observation', () => {
    const random = randomFrom(2);
    const points = vectors(80, 8, 1);
    const noises = points.map(() => 10 ** (-6 + 6 * random.float()));
    const process = new PosteriorVariance({ dimensions: 8, bandwidth: 2.5, capacity: 80 });
    for (const [i, point] of points.entries()) process.add(point, noises[i]);
    const cholesky = new CholeskyDecomposition(gramOf(points, noises, 2.5));
    for (const asked of vectors(40, 8, 9)) {
      const row = Matrix.columnVector(points.map((point) => kernel(point, asked, 2.5)));
      const expected = 1 - row.transpose().mmul(cholesky.solve(row)).get(0, 0);
      expect(Math.abs(process.variance(asked) - expected)).toBeLessThan(1e-9);
    }
  });

  test('grown and built anew, with SIMD and without, it is the same to the last bit, and so is a placed point', () => {
    const points = vectors(40, 8, 4);
    const [asked = new Float32Array(8), other = new Float32Array(8)] = vectors(2, 8, 5);
    const options = { dimensions: 8, capacity: 41, places: 3 };
    const grown = new PosteriorVariance({ ...options, bandwidth: 2 });
    const built = new PosteriorVariance({ ...options, bandwidth: 5, simd: false });
    grown.place(0, asked);
    built.add(other);
    built.place(0, other);
    for (const point of points) {
      grown.add(point, 1e-6);
      built.add(point, 1);
    }
    built.keep(points.map((_, i) => ({ index: i + 1, noise: 1e-6 })));
    built.useBandwidth(2);
    built.place(0, asked);
    expect(built.size).toBe(40);
    expect(built.variance(asked)).toBe(grown.variance(asked));
    for (const process of [grown, built]) {
      expect(process.variances[0]).toBe(grown.variance(asked));
      expect([process.variances[1], process.nearest[1]]).toEqual([1, -1]);
      const { index, kernel: nearness } = grown.nearestTo(asked);
      expect([process.nearest[0], process.nearestKernels[0]]).toEqual([index, nearness]);
      expect(projectionOf(process)).toEqual(projectionOf(grown));
    }
    expect(projectionOf(grown).reduce((sum, value) => sum - value * value, 1)).toBeCloseTo(grown.variance(asked), 5);
    const distances = points.map((point) => -Math.log(kernel(point, asked, 1)));
    expect(grown.nearest[0]).toBe(distances.indexOf(Math.min(...distances)));
    expect(grown.nearestKernels[0]).toBeCloseTo(kernel(points[grown.nearest[0] ?? 0] ?? [], asked, 2), 12);
  });

  test('what is left of the observations is as if there had been no others', () => {
    const points = vectors(20, 5, 10);
    const process = new PosteriorVariance({ dimensions: 5, bandwidth: 2, capacity: 20, places: 20 });
    const alone = new PosteriorVariance({ dimensions: 5, bandwidth: 2, capacity: 20, places: 20 });
    for (const [place, point] of vectors(20, 5, 11).entries())
      for (const one of [process, alone]) one.place(place, point);
    for (const point of points) process.add(point);
    const kept = [1, 4, 5, 11, 19].map((index) => ({ index, noise: 1e-3 * (1 + index) }));
    process.keep(kept);
    for (const { index, noise } of kept) alone.add(points[index] ?? new Float32Array(5), noise);
    // there is room again, in rows that others had
    for (const one of [process, alone]) for (const point of points.slice(0, 3)) one.add(point);
    expect(process.variances).toEqual(alone.variances);
    expect(process.nearest).toEqual(alone.nearest);
    expect(process.nearestKernels).toEqual(alone.nearestKernels);
    expect(process.information()).toEqual(alone.information());
    expect([process.size, process.noiseOf(2)]).toEqual([8, 6e-3]);
  });

  test('agrees with the greedy picks over a fixed set', () => {
    const points = vectors(50, 6, 6);
    const greedy = new GreedyVariance({ points: stack(points), bandwidth: 2, jitter: 1e-8 });
    const process = new PosteriorVariance({ dimensions: 6, bandwidth: 2, capacity: 12 });
    for (let pick = 0; pick < 12; pick++) {
      const picked = points[greedy.next().index];
      if (picked !== undefined) process.add(picked, 1e-8);
      for (const [i, point] of points.entries()) {
        expect(Math.abs(process.variance(point) - (greedy.residuals[i] ?? 0))).toBeLessThan(1e-9);
      }
    }
  });

  test('information is that of the inverse matrix: a faded observation and a copy tell least', () => {
    const [a, b, c] = vectors(3, 4, 8);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three vectors were asked for');
    const points = [a, b, c, a];
    const noises = [1e-6, 1e-6, 10, 1e-3];
    const process = new PosteriorVariance({ dimensions: 4, bandwidth: 3, capacity: 4 });
    for (const [i, point] of points.entries()) process.add(point, noises[i]);
    const precision = inverse(gramOf(points, noises, 3));
    const information = process.information();
    for (const [i, noise] of noises.entries()) {
      expect(information[i]).toBeCloseTo(Math.log(1 / precision.get(i, i) / noise) / 2, 6);
    }
    const order = [...information.keys()].sort((i, j) => (information[i] ?? 0) - (information[j] ?? 0));
    expect(order.slice(0, 2).sort()).toEqual([2, 3]);
  });

  test('a noise of 1 halves what is known at the point itself', () => {
    const process = new PosteriorVariance({ dimensions: 1, bandwidth: 1, capacity: 8 });
    process.add(at(0), 1);
    expect(process.variance(at(0))).toBeCloseTo(0.5, 12);
  });

  test('refuses what is not finite, of another length, or without noise', () => {
    const process = new PosteriorVariance({ dimensions: 2, bandwidth: 1, capacity: 8 });
    expect(() => process.add(at(1))).toThrow(/expected 2 numbers, got 1/);
    expect(() => process.variance(Float32Array.of(Number.NaN, 0))).toThrow(/expected finite numbers/);
    expect(() => process.place(1, Float32Array.of(1, 0))).toThrow(/place: expected/);
    expect(() => process.keep([{ index: 0, noise: 0 }])).toThrow(/noise/);
    expect(() => process.add(Float32Array.of(1, 0), 0)).toThrow(/noise: expected a number from 1e-12, got 0/);
    expect(() => new PosteriorVariance({ dimensions: 2, bandwidth: Number.NaN, capacity: 1 })).toThrow(/bandwidth/);
  });
});
