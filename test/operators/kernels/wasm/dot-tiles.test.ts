import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Points } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { dotTiles, rowProducts } from '../../../../operators/kernels/wasm/dot-tiles.js';
import { tileRows } from '../../../../operators/kernels/wasm/multiplication.js';

function normals(size: number, dimensions: number, seed: number): Points {
  const random = randomFrom(seed);
  const data = Float32Array.from({ length: size * dimensions }, () => random.gaussian());
  return { data, size, dimensions };
}

function dot(a: Points, i: number, b: Points, j: number): number {
  let sum = 0;
  for (let k = 0; k < a.dimensions; k++) {
    sum += (a.data[i * a.dimensions + k] ?? 0) * (b.data[j * b.dimensions + k] ?? 0);
  }
  return sum;
}

const size = fc.integer({ min: 1, max: 90 });
const dimensions = fc.integer({ min: 1, max: 40 });

test.each([true, false])('products equal a plain loop, for any sizes, dimensions and tile (SIMD: %s)', (simd) => {
  fc.assert(
    fc.property(size, size, dimensions, fc.nat(), fc.nat(), fc.nat(), (n, m, d, seed, i0, j0) => {
      const a = normals(n, d, seed);
      const b = normals(m, d, seed + 1);
      const [i, j] = [i0 % n, j0 % m];
      const [rows, columns] = [Math.min(tileRows, n - i), Math.min(tileRows, m - j)];
      const products = dotTiles(a, b, { simd }).tile(i, rows, j, columns);
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          const expected = dot(a, i + r, b, j + c);
          expect(Math.abs((products[r * tileRows + c] ?? Number.NaN) - expected)).toBeLessThan(1e-4);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('a pair has the same product, to the last bit, wherever it stands and whichever comes first', () => {
  const points = normals(150, 37, 3);
  const turned: Points = { ...points, data: points.data.slice() };
  for (let row = 0; row < 150; row++) {
    turned.data.set(points.data.subarray(row * 37, (row + 1) * 37), (149 - row) * 37);
  }
  const within = dotTiles(points, points);
  const across = dotTiles(turned, points);
  for (const [i, j] of [
    [0, 149],
    [63, 64],
    [70, 3],
    [149, 148],
  ] as const) {
    const product = within.tile(i, 1, j, 1)[0];
    expect(within.tile(j, 1, i, 1)[0]).toBe(product);
    expect(across.tile(149 - i, 1, j, 1)[0]).toBe(product);
    const from = Math.max(0, i - 5);
    expect(within.tile(from, i - from + 1, j, 1)[(i - from) * tileRows]).toBe(product);
  }
});

test.each([true, false])('rows that were written again meet each other over a range of numbers (SIMD: %s)', (simd) => {
  const rows = rowProducts({ rowsOfA: 5, rowsOfB: 3, stride: 12 }, { simd });
  for (const round of [1, 2]) {
    const points = [normals(5, 12, round), normals(3, 12, round + 5)] as const;
    rows.a.set(points[0].data);
    rows.b.set(points[1].data);
    const products = rows.tile(1, 4, 0, 3, 4, 8);
    for (let r = 0; r < 4; r++) {
      for (let c = 0; c < 3; c++) {
        let expected = 0;
        for (let k = 4; k < 8; k++) {
          expected += (points[0].data[(1 + r) * 12 + k] ?? 0) * (points[1].data[c * 12 + k] ?? 0);
        }
        expect(products[r * tileRows + c]).toBeCloseTo(expected, 5);
      }
    }
  }
  const own = rowProducts({ rowsOfA: 2, rowsOfB: 0, stride: 4 }, { simd });
  own.a.set([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(own.tile(0, 1, 1, 1)[0]).toBe(70);
  expect(() => rowProducts({ rowsOfA: 1, rowsOfB: 1, stride: 6 })).toThrow('stride: expected a multiple of 4, got 6');
});

test('refuses sets of other dimensions and rows that are not there', () => {
  const points = normals(70, 3, 1);
  expect(() => dotTiles(points, normals(2, 4, 1))).toThrow('expected equal dimensions, got 3 and 4');
  const tiles = dotTiles(points, points);
  expect(() => tiles.tile(60, 11, 0, 1)).toThrow(RangeError);
  expect(() => tiles.tile(0, 65, 0, 1)).toThrow('1 to 64 rows');
  expect(() => tiles.tile(0, 0, 0, 1)).toThrow(RangeError);
  expect(() => tiles.tile(-1, 1, 0, 1)).toThrow(RangeError);
});
