import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { CosineSum, DecayedCosineSum } from '../../../../operators/kernels/diversity/cosine-sum.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

const vectors = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 40 }).map((seeds) => seeds.map(unit));

describe('T18: mean pairwise cosine', () => {
  const three = [Float32Array.of(1, 0), Float32Array.of(0, 1), Float32Array.of(0.6, 0.8)];

  test('of (1,0), (0,1), (.6,.8) is 0.4666667 by both formulas', () => {
    expect(batchMean(three)).toBeCloseTo(0.4666667, 7);
    expect(sumOf(three).mean()).toEqual({ mean: expect.closeTo(0.4666667, 7), size: 3, defined: true });
  });

  test('of one vector is 0 by convention, and flagged', () => {
    expect(sumOf(three.slice(0, 1)).mean()).toEqual({ mean: 0, size: 1, defined: false });
    expect(sumOf([]).mean()).toEqual({ mean: 0, size: 0, defined: false });
    const decayed = new DecayedCosineSum(2, 10);
    decayed.add(Float32Array.of(1, 0));
    expect(decayed.mean()).toEqual({ mean: 0, size: 1, defined: false });
  });

  test('streaming equals batch after any adds and removes', () => {
    fc.assert(
      fc.property(vectors, fc.array(fc.nat(), { maxLength: 40 }), (rows, leaving) => {
        const sum = sumOf(rows);
        const inside = [...rows];
        for (const choice of leaving.slice(0, rows.length)) {
          const [gone] = inside.splice(choice % inside.length, 1);
          if (gone !== undefined) sum.remove(gone);
        }
        expect(sum.size).toBe(inside.length);
        expect(Math.abs(sum.mean().mean - batchMean(inside))).toBeLessThan(1e-9);
      }),
    );
  });

  test('a window does not drift over 1,000,000 adds and removes', () => {
    const rows = Array.from({ length: 500 }, (_, n) => unit(n));
    const at = (n: number) => rows[(n * 31) % rows.length] ?? new Float32Array(dimensions);
    const window = 100;
    const sum = new CosineSum(dimensions);
    for (let n = 0; n < 1_000_000; n++) {
      if (n < window) sum.add(at(n));
      else sum.replace(at(n - window), at(n));
    }
    const inside = Array.from({ length: window }, (_, i) => at(1_000_000 - window + i));
    expect(Math.abs(sum.mean().mean - batchMean(inside))).toBeLessThan(1e-9);
    expect(sum.state).toEqual(sumOf(inside).state);
  });
});

describe('CosineSum', () => {
  test('depends on no order, to the last bit, and merges', () => {
    fc.assert(
      fc.property(vectors, fc.nat(), (rows, cut) => {
        const at = cut % (rows.length + 1);
        const merged = sumOf(rows.slice(0, at));
        merged.merge(sumOf(rows.slice(at)));
        expect(merged.state).toEqual(sumOf(rows.toReversed()).state);
      }),
    );
  });

  test('counts zero vectors apart', () => {
    const sum = sumOf([unit(1), new Float32Array(dimensions), unit(2)]);
    expect([sum.size, sum.zeros]).toEqual([2, 1]);
    expect(sum.mean().mean).toBeCloseTo(batchMean([unit(1), unit(2)]), 9);
    sum.remove(new Float32Array(dimensions));
    expect(sum.zeros).toBe(0);
  });

  test('replaces as it removes and adds, and goes on from its state', () => {
    const sum = sumOf([unit(1), unit(2)]);
    const other = CosineSum.from(sum.state);
    sum.replace(unit(1), unit(3));
    other.remove(unit(1));
    other.add(unit(3));
    expect(other.state).toEqual(sum.state);
  });

  test('tells how like the others a vector is', () => {
    const sum = sumOf([unit(1), unit(2), unit(3)]);
    expect(sum.meanTo(unit(4))).toBeCloseTo(
      (dot(unit(1), unit(4)) + dot(unit(2), unit(4)) + dot(unit(3), unit(4))) / 3,
      9,
    );
    expect(new CosineSum(dimensions).meanTo(unit(4))).toBe(0);
  });

  test('refuses what does not fit', () => {
    const sum = new CosineSum(3);
    expect(() => sum.add(new Float32Array(2))).toThrow('vector: expected 3 numbers, got 2');
    expect(() => sum.remove(new Float32Array(3))).toThrow('there is no vector to remove');
    expect(() => sum.merge(new CosineSum(4))).toThrow('expected 3 dimensions, got 4');
  });
});

describe('DecayedCosineSum', () => {
  test('is the weighted mean over pairs, weights g^age', () => {
    fc.assert(
      fc.property(vectors, fc.double({ min: 0.5, max: 100, noNaN: true }), (rows, halfLife) => {
        const decayed = new DecayedCosineSum(dimensions, halfLife);
        for (const row of rows) decayed.add(row);
        expect(Math.abs(decayed.mean().mean - weightedMean(rows, halfLife))).toBeLessThan(1e-9);
      }),
    );
  });

  test('passes zero vectors over, and goes on from its state to the last bit', () => {
    const decayed = new DecayedCosineSum(dimensions, 7);
    for (const n of [1, 2, 3]) decayed.add(unit(n));
    const before = decayed.state;
    decayed.add(new Float32Array(dimensions));
    expect(decayed.state).toEqual(before);
    const restored = DecayedCosineSum.from(before, 7);
    for (const sum of [decayed, restored]) sum.add(unit(4));
    expect(restored.state).toEqual(decayed.state);
  });

  test('refuses a half-life that is not positive', () => {
    expect(() => new DecayedCosineSum(3, 0)).toThrow('halfLife: expected a positive number, got 0');
  });
});

const dimensions = 12;

function unit(seed: number): Float32Array {
  const random = randomFrom(seed);
  const vector = Float64Array.from({ length: dimensions }, () => random.gaussian() + 0.3);
  const norm = Math.hypot(...vector);
  return Float32Array.from(vector, (x) => x / norm);
}

function sumOf(rows: readonly Float32Array[]): CosineSum {
  const sum = new CosineSum(rows[0]?.length ?? dimensions);
  for (const row of rows) sum.add(row);
  return sum;
}

/** The mean over the strict upper triangle of Z Z'. */
function batchMean(rows: readonly Float32Array[]): number {
  const cosines = rows.flatMap((a, i) => rows.slice(i + 1).map((b) => dot(a, b)));
  return cosines.length === 0 ? 0 : cosines.reduce((sum, x) => sum + x, 0) / cosines.length;
}

function weightedMean(rows: readonly Float32Array[], halfLife: number): number {
  let [total, weights] = [0, 0];
  for (const [i, a] of rows.entries()) {
    for (const [j, b] of rows.entries()) {
      if (i === j) continue;
      const weight = 2 ** (-(2 * (rows.length - 1) - i - j) / halfLife);
      total += weight * dot(a, b);
      weights += weight;
    }
  }
  return weights === 0 ? 0 : total / weights;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
}
