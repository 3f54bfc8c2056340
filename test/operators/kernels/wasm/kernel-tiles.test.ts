import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Kernel, kernelFunction } from '../../../../operators/kernels/mmd/kernel.js';
import { type Points, stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { exponentials } from '../../../../operators/kernels/wasm/exponentials.js';
import { kernelTiles } from '../../../../operators/kernels/wasm/kernel-tiles.js';
import { tileRows } from '../../../../operators/kernels/wasm/multiplication.js';
import { simdIsSupported, tileMemory } from '../../../../operators/kernels/wasm/tile-memory.js';

function units(size: number, dimensions: number, seed: number): Points {
  const random = randomFrom(seed);
  const vectors = Array.from({ length: size }, () => {
    const vector = Array.from({ length: dimensions }, () => random.gaussian());
    const norm = Math.hypot(...vector);
    return vector.map((x) => x / norm);
  });
  return stack(vectors);
}

/** The greatest difference of a tile from the plain kernel. */
function greatestError(a: Points, b: Points, kernel: Kernel, simd: boolean): number {
  const tiles = kernelTiles(a, b, kernel, { simd });
  const plain = kernelFunction(kernel);
  const [rows, columns] = [Math.min(a.size, tileRows), Math.min(b.size, tileRows)];
  const [i, j] = [a.size - rows, b.size - columns];
  const sum = tiles.sum(i, rows, j, columns);
  const values = tiles.tile(i, rows, j, columns);
  let greatest = 0;
  let total = 0;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const expected = plain(a, i + r, b, j + c);
      total += expected;
      greatest = Math.max(greatest, Math.abs((values[r * tileRows + c] ?? Number.NaN) - expected));
    }
  }
  return Math.max(greatest, Math.abs(sum - total) / (rows * columns));
}

const size = fc.integer({ min: 1, max: 80 });

describe.each([true, false])('with SIMD: %s', (simd) => {
  test('values are within 1e-6 of plain float64 ones, for any sizes, dimensions and bandwidth', () => {
    fc.assert(
      fc.property(
        size,
        size,
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        fc.double({ min: 0.1, max: 20, noNaN: true }),
        (n, m, d, seed, bandwidth) => {
          const [a, b] = [units(n, d, seed), units(m, d, seed + 1)];
          expect(greatestError(a, b, { name: 'rbf', bandwidth }, simd)).toBeLessThan(1e-6);
          expect(greatestError(a, a, { name: 'rbf', bandwidth }, simd)).toBeLessThan(1e-6);
          expect(greatestError(a, b, { name: 'linear' }, simd)).toBeLessThan(1e-6);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('far from 0 or from each other, the error grows with the distance in bandwidths, not with its square', () => {
    const far = stack([[1000], [1000.5], [1003], [5000], [5000.25]]);
    expect(greatestError(far, far, { name: 'rbf', bandwidth: 1 }, simd)).toBeLessThan(1e-7 * 2400);
    const [near, other] = [
      stack([[0, 0]]),
      stack([
        [300, 400],
        [0, 1],
      ]),
    ];
    expect(greatestError(near, other, { name: 'rbf', bandwidth: 0.5 }, simd)).toBeLessThan(1e-7 * 1000);
  });

  test.each([0.05, 0.9])('equal points have exactly 1, in any place and set (bandwidth %d)', (bandwidth) => {
    const a = units(70, 13, 4);
    const b: Points = { ...a, data: a.data.slice() };
    const [within, across] = [kernelTiles(a, a, bandwidth, { simd }), kernelTiles(a, b, bandwidth, { simd })];
    for (const i of [0, 63, 64, 69]) {
      expect(within.tile(i, 1, i, 1)[0]).toBe(1);
      expect(across.tile(i, 1, i, 1)[0]).toBe(1);
    }
  });

  test('powers of two have a relative error of 3e-7 at most, and 0 gives 1', () => {
    const memory = tileMemory({ tile: tileRows * tileRows, a: tileRows, b: tileRows, sums: tileRows }, { simd });
    const tile = memory.array('tile');
    const random = randomFrom(5);
    for (let i = 1; i < tile.length; i++) tile[i] = -125 * random.float() ** 2;
    tile[tileRows] = -500;
    tile[tileRows + 1] = 1;
    const powers = tile.slice();
    const [a, b, sums] = [memory.array('a'), memory.array('b'), memory.array('sums')];
    exponentials(memory)(tile.byteOffset, a.byteOffset, b.byteOffset, sums.byteOffset, tileRows, tileRows);
    let worst = 0;
    for (let i = 0; i < tile.length; i++) {
      const expected = 2 ** Math.min(0, Math.max(-126, powers[i] ?? 0));
      worst = Math.max(worst, Math.abs((tile[i] ?? 0) / expected - 1));
    }
    expect(worst).toBeLessThan(3e-7);
    expect([tile[0], tile[tileRows + 1]]).toEqual([1, 1]);
    expect(sums[5]).toBeCloseTo(
      tile.subarray(5 * tileRows, 6 * tileRows).reduce((sum, x) => sum + x, 0),
      5,
    );
  });

  test('refuses numbers that are not finite, other dimensions, no bandwidth and rows that are not there', () => {
    const good = stack([[1, 2]]);
    const rbf = { name: 'rbf', bandwidth: 1 } as const;
    expect(() =>
      kernelTiles(
        good,
        stack([
          [1, 2],
          [1, Number.NaN],
        ]),
        rbf,
        { simd },
      ),
    ).toThrow('expected finite numbers, got NaN in point 1');
    expect(() => kernelTiles(stack([[Number.POSITIVE_INFINITY]]), stack([[1]]), rbf, { simd })).toThrow(
      'got Infinity in point 0',
    );
    expect(() => kernelTiles(stack([[1e20]]), stack([[1]]), { name: 'linear' }, { simd })).toThrow('float32 holds');
    expect(() => kernelTiles(good, stack([[1]]), rbf, { simd })).toThrow('equal dimensions, got 2 and 1');
    expect(() => kernelTiles(good, good, -1, { simd })).toThrow('bandwidth: expected a positive number, got -1');
    expect(() => kernelTiles(good, good, rbf, { simd }).tile(0, 2, 0, 1)).toThrow(RangeError);
  });
});

test.each([true, false])('a memory ends at 4 GiB (SIMD: %s)', (simd) => {
  expect(() => tileMemory({ all: 2 ** 30 + 4 }, { simd })).toThrow(
    '4294967312 bytes of one memory, which ends at 4 GiB',
  );
});

describe('a machine without WebAssembly', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test('computes in plain loops, and says so where SIMD is insisted on', async () => {
    expect(simdIsSupported()).toBe(true);
    vi.stubGlobal('WebAssembly', undefined);
    vi.resetModules();
    const fresh = await import('../../../../operators/kernels/wasm/kernel-tiles.js');
    const memory = await import('../../../../operators/kernels/wasm/tile-memory.js');
    expect(memory.simdIsSupported()).toBe(false);
    const points = units(9, 7, 1);
    const value = fresh.kernelTiles(points, points, 0.8).tile(2, 1, 5, 1)[0];
    expect(value).toBeCloseTo(kernelFunction(0.8)(points, 2, points, 5), 6);
    expect(() => fresh.kernelTiles(points, points, 0.8, { simd: true })).toThrow('WebAssembly is missing');
  });
});
