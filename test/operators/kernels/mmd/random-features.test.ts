import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { FeatureSum, maxFeatureSumSize, unbiasedMmd2OfSums } from '../../../../operators/kernels/mmd/feature-sum.js';
import { unbiasedMmd2 } from '../../../../operators/kernels/mmd/mmd.js';
import { type RandomFeatures, randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

describe('randomFeatures', () => {
  test('T6: every feature vector has unit norm', () => {
    const features = randomFeatures({ dimensions: 7, frequencies: 512, bandwidth: 0.7, seed: 1 });
    for (const vector of [...vectors(50, 7, 2), new Float32Array(7)]) {
      const phi = phiOf(features, vector);
      expect(Math.abs(Math.sqrt(compensatedDot(phi, phi)) - 1)).toBeLessThan(1e-15);
    }
  });

  test('the fast projection is the plain one, for numbers of frequencies that do not fill a block', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (frequencies, dimensions, seed) => {
          const features = randomFeatures({ dimensions, frequencies, bandwidth: 1.3, seed });
          const [vector] = vectors(1, dimensions, seed + 1);
          if (vector === undefined) throw new Error('a vector was drawn');
          const normal = randomFrom(seed);
          const phi = phiOf(features, vector);
          for (let i = 0; i < frequencies; i++) {
            let angle = 0;
            for (const x of vector) angle += (x * Math.fround(normal.gaussian())) / 1.3;
            // the products are float32
            expect(phi[i]).toBeCloseTo(Math.cos(angle) / Math.sqrt(frequencies), 5);
            expect(phi[frequencies + i]).toBeCloseTo(Math.sin(angle) / Math.sqrt(frequencies), 5);
          }
        },
      ),
    );
  });

  test('without SIMD, one by one and all at once: the same features to the last bit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(),
        (count, dimensions, seed) => {
          const options = { dimensions, frequencies: 11, bandwidth: 0.7, seed };
          const features = randomFeatures(options);
          const plain = randomFeatures({ ...options, simd: false });
          const items = vectors(count, dimensions, seed + 1);
          const points = stack(items);
          const [all, alsoAll] = [new Float64Array(count * 22), new Float64Array(count * 22)];
          features.mapAll(points, all);
          plain.mapAll(points, alsoAll);
          expect(alsoAll).toEqual(all);
          const last = items.at(-1) ?? new Float32Array(dimensions);
          expect(phiOf(features, last)).toEqual(all.slice(-22));
          const part = new Float64Array(22);
          plain.mapAll(points, part, count - 1);
          expect(part).toEqual(all.slice(-22));
        },
      ),
    );
  });

  test('fewer frequencies are the first ones of more', () => {
    const [vector = new Float32Array(0)] = vectors(1, 6, 3);
    const few = phiOf(randomFeatures({ dimensions: 6, frequencies: 5, bandwidth: 1, seed: 2 }), vector);
    const many = phiOf(randomFeatures({ dimensions: 6, frequencies: 20, bandwidth: 1, seed: 2 }), vector);
    for (let i = 0; i < 5; i++) {
      expect(few[i]).toBeCloseTo((many[i] ?? 0) * 2, 15);
      expect(few[5 + i]).toBeCloseTo((many[20 + i] ?? 0) * 2, 15);
    }
  });

  test('numbers that are not finite give features that are not; wide ones keep their norm', () => {
    const features = randomFeatures({ dimensions: 2, frequencies: 3, bandwidth: 1, seed: 2 });
    expect(phiOf(features, Float32Array.of(Number.NaN, 0)).every(Number.isNaN)).toBe(true);
    const wide = phiOf(features, Float32Array.of(1e30, -1e12));
    expect(compensatedDot(wide, wide)).toBeCloseTo(1, 14);
  });

  test('T6: the error of the MMD shrinks like the inverse root of the frequencies', () => {
    const [x, y] = [vectors(30, 5, 1), vectors(30, 5, 2).map((vector) => vector.map((value) => value * 1.3))];
    const exact = unbiasedMmd2(stack(x), stack(y), 2);
    const error = (frequencies: number) => {
      const runs = 40;
      let total = 0;
      for (let seed = 0; seed < runs; seed++) {
        const features = randomFeatures({ dimensions: 5, frequencies, bandwidth: 2, seed });
        total += (unbiasedMmd2OfSums(sumOf(features, x), sumOf(features, y)) - exact) ** 2;
      }
      return Math.sqrt(total / runs);
    };
    // 16 times the frequencies, a quarter of the error
    const ratio = error(32) / error(512);
    expect(ratio).toBeGreaterThan(2.6);
    expect(ratio).toBeLessThan(6);
  });

  test('T6: the estimate of the kernel has the variance of the formula', () => {
    const frequencies = 16;
    const [x, y] = [Float32Array.of(0, 0), Float32Array.of(0.6, 0.8)];
    const runs = 8000;
    const estimates = Array.from({ length: runs }, (_, seed) => {
      const features = randomFeatures({ dimensions: 2, frequencies, bandwidth: 1, seed });
      return compensatedDot(phiOf(features, x), phiOf(features, y));
    });
    const mean = estimates.reduce((sum, value) => sum + value, 0) / runs;
    const variance = estimates.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (runs - 1);
    const k = (distance: number) => Math.exp(-(distance ** 2) / 2);
    const expected = (1 + k(2) - 2 * k(1) ** 2) / (2 * frequencies);
    expect(Math.abs(mean - k(1))).toBeLessThan(4 * Math.sqrt(expected / runs));
    expect(Math.abs(variance / expected - 1)).toBeLessThan(0.05);
  });

  test('wrong options and arrays are refused', () => {
    const options = { dimensions: 2, frequencies: 4, bandwidth: 1, seed: 0 };
    expect(() => randomFeatures({ ...options, frequencies: 0 })).toThrow(
      'frequencies: expected an integer from 1, got 0',
    );
    expect(() => randomFeatures({ ...options, bandwidth: 0 })).toThrow('bandwidth: expected a positive number, got 0');
    const features = randomFeatures(options);
    expect(() => features.map(new Float32Array(3), new Float64Array(8))).toThrow('vector: expected 2 numbers, got 3');
    expect(() => features.map(new Float32Array(2), new Float64Array(4))).toThrow(
      'features: expected room for 8 numbers',
    );
    const points = stack([Float32Array.of(1, 2)]);
    expect(() => features.mapAll(points, new Float64Array(16), 0, 2)).toThrow(
      'expected room for 2 x 8 numbers of 1 points',
    );
    expect(() => features.mapAll(stack([[1]]), new Float64Array(8))).toThrow('points: expected 2 numbers, got 1');
  });
});

describe('FeatureSum', () => {
  const features = randomFeatures({ dimensions: 4, frequencies: 16, bandwidth: 1, seed: 3 });

  test('T6: the MMD of two sums is the double sum over the features', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.integer({ min: 2, max: 30 }), fc.nat(), (n, m, seed) => {
        const [x, y] = [vectors(n, 4, seed), vectors(m, 4, seed + 1)];
        const mmd2 = unbiasedMmd2OfSums(sumOf(features, x), sumOf(features, y));
        expect(Math.abs(mmd2 - doubleSumMmd2(features, x, y))).toBeLessThan(1e-10);
      }),
    );
  });

  test('T6: what is added and removed leaves no trace', () => {
    const kept = vectors(20, 4, 1);
    const sum = sumOf(features, kept);
    const before = sum.values.slice();
    const passing = vectors(500, 4, 2).map((vector) => phiOf(features, vector));
    for (const phi of passing) sum.add(phi);
    for (const phi of passing.toReversed()) sum.remove(phi);
    expect(sum.values).toEqual(before);
    expect(sum.size).toBe(20);
  });

  test('a merge, a rebuild and any order give the same sum to the last bit', () => {
    const all = vectors(60, 4, 5);
    const whole = sumOf(features, all);
    const merged = sumOf(features, all.slice(0, 25));
    merged.merge(sumOf(features, all.slice(25)));
    expect(merged.values).toEqual(whole.values);
    expect(merged.size).toBe(60);
    merged.rebuild(all.toReversed().map((vector) => phiOf(features, vector)));
    expect(merged.values).toEqual(whole.values);
  });

  test('stays exact when it is full', () => {
    const sum = new FeatureSum(1);
    const phi = Float64Array.of(1 - 2 ** -30, 2 ** -31);
    for (let i = 0; i < maxFeatureSumSize; i++) sum.add(phi);
    expect(sum.values).toEqual(Float64Array.of(maxFeatureSumSize * (1 - 2 ** -30), maxFeatureSumSize * 2 ** -31));
    expect(() => sum.add(phi)).toThrow(RangeError);
    for (let i = 0; i < maxFeatureSumSize; i++) sum.remove(phi);
    expect(sum.values).toEqual(new Float64Array(2));
    expect(() => sum.remove(phi)).toThrow('holds 0 to 131072 items, not -1');
  });

  test('sums over other frequencies, and windows that are too small, are refused', () => {
    expect(() => new FeatureSum(2).merge(new FeatureSum(3))).toThrow('other: expected 4 numbers, got 6');
    expect(() => unbiasedMmd2OfSums(sumOf(features, vectors(1, 4, 0)), new FeatureSum(16))).toThrow(
      'expected at least 2 items in each window, got 1 and 0',
    );
  });
});

function vectors(count: number, dimensions: number, seed: number): Float32Array[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: dimensions }, () => random.gaussian()));
}

function phiOf(features: RandomFeatures, vector: Float32Array): Float64Array {
  const phi = new Float64Array(2 * features.frequencies);
  features.map(vector, phi);
  return phi;
}

function sumOf(features: RandomFeatures, items: readonly Float32Array[]): FeatureSum {
  const sum = new FeatureSum(features.frequencies);
  for (const item of items) sum.add(phiOf(features, item));
  return sum;
}

function doubleSumMmd2(features: RandomFeatures, x: readonly Float32Array[], y: readonly Float32Array[]): number {
  const k = (a: Float32Array, b: Float32Array) => compensatedDot(phiOf(features, a), phiOf(features, b));
  const within = (items: readonly Float32Array[]) => {
    let total = 0;
    for (const [i, a] of items.entries()) for (const [j, b] of items.entries()) if (i !== j) total += k(a, b);
    return total / (items.length * (items.length - 1));
  };
  let cross = 0;
  for (const a of x) for (const b of y) cross += k(a, b);
  return within(x) + within(y) - (2 * cross) / (x.length * y.length);
}

/** Kahan's sum of products, so that the test measures the features and not its own rounding. */
function compensatedDot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  let lost = 0;
  for (const [i, value] of a.entries()) {
    const term = value * (b[i] ?? Number.NaN) - lost;
    const next = total + term;
    lost = next - total - term;
    total = next;
  }
  return total;
}
