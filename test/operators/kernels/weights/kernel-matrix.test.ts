import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { denseMatrix, featureMatrix } from '../../../../operators/kernels/weights/kernel-matrix.js';

const shapes = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.nat());

function numbers(count: number, seed: number): Float64Array {
  const random = randomFrom(seed);
  // zeros among them, which are passed over
  return Float64Array.from({ length: count }, () => (random.below(3) === 0 ? 0 : random.gaussian()));
}

test('features: products, sums and dots are those of the sums written out, for rows odd and even', () => {
  fc.assert(
    fc.property(shapes, ([size, length, seed]) => {
      const rows = Float32Array.from(numbers(size * length, seed));
      const [weights, vector] = [numbers(size, seed + 1), numbers(length, seed + 2)];
      const matrix = featureMatrix(rows, size);
      const sums = Array.from({ length }, (_, k) =>
        weights.reduce((sum, weight, i) => sum + weight * (rows[i * length + k] ?? Number.NaN), 0),
      );
      const dotOf = (i: number, other: ArrayLike<number>) =>
        Array.from({ length }).reduce<number>((sum, _, k) => sum + (rows[i * length + k] ?? 0) * (other[k] ?? 0), 0);
      for (const [k, sum] of matrix.combine(weights).entries()) expect(sum).toBeCloseTo(sums[k] ?? Number.NaN, 12);
      const dots = new Float64Array(size);
      matrix.dots(vector, dots);
      for (const [i, dot] of dots.entries()) expect(dot).toBeCloseTo(dotOf(i, vector), 12);
      matrix.multiply(weights, dots);
      for (const [i, dot] of dots.entries()) expect(dot).toBeCloseTo(dotOf(i, sums), 12);
      expect([matrix.size, matrix.length]).toEqual([size, length]);
    }),
  );
});

test('entries: the product is that of rows and vector', () => {
  fc.assert(
    fc.property(shapes, ([size, , seed]) => {
      const entries = numbers(size * size, seed);
      const x = numbers(size, seed + 1);
      const into = new Float64Array(size);
      denseMatrix(entries, size).multiply(x, into);
      for (const [i, value] of into.entries()) {
        const expected = x.reduce((sum, other, j) => sum + other * (entries[i * size + j] ?? Number.NaN), 0);
        expect(value).toBeCloseTo(expected, 12);
      }
    }),
  );
});

test('what is no matrix is refused', () => {
  expect(() => denseMatrix(new Float64Array(5), 2)).toThrow('expected 2 x 2 numbers, got 5');
  expect(() => featureMatrix(new Float64Array(5), 2)).toThrow('expected 2 rows of equal length, got 5 numbers');
  expect(() => featureMatrix(new Float64Array(4), 2).dots(new Float64Array(3), new Float64Array(2))).toThrow(
    'vector: expected 2 numbers, got 3',
  );
});
