import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { allRows, drawToFront } from '../../../../operators/kernels/draw-rows.js';
import { type Kernel, kernelFunction } from '../../../../operators/kernels/mmd/kernel.js';
import { unbiasedMmd2 } from '../../../../operators/kernels/mmd/mmd.js';
import { permutationTest } from '../../../../operators/kernels/mmd/permutation-test.js';
import { setBytes, setSums } from '../../../../operators/kernels/mmd/set-sums.js';
import { type Points, stack } from '../../../../operators/kernels/points.js';
import { type Random, randomFrom } from '../../../../operators/kernels/random.js';
import { kernelTiles } from '../../../../operators/kernels/wasm/kernel-tiles.js';

function normals(random: Random, size: number, dimensions: number, shift = 0): Points {
  const data = Float32Array.from(
    { length: size * dimensions },
    (_, i) => random.gaussian() + (i % dimensions === 0 ? shift : 0),
  );
  return { data, size, dimensions };
}

const rowsOf = ({ data, size, dimensions }: Points) =>
  Array.from({ length: size }, (_, i) => [...data.subarray(i * dimensions, (i + 1) * dimensions)]);

/** Deals out the very same groups, and computes each MMD anew, pair by pair; those within `tolerance` of the observed one are ties. */
function plainTest(
  x: Points,
  y: Points,
  kernel: Kernel,
  permutations: number,
  seed: number,
  tolerance: number,
): number {
  const random = randomFrom(seed);
  const all = [...rowsOf(x), ...rowsOf(y)];
  const deck = allRows(all.length);
  const observed = unbiasedMmd2(x, y, kernel);
  const smaller = Math.min(x.size, y.size);
  let atLeast = 0;
  for (let done = 0; done < permutations; done++) {
    const members = new Set(drawToFront(deck, smaller, random));
    const [one, rest] = [all.filter((_, i) => members.has(i)), all.filter((_, i) => !members.has(i))];
    if (unbiasedMmd2(stack(one), stack(rest), kernel) >= observed - tolerance) atLeast += 1;
  }
  return (1 + atLeast) / (1 + permutations);
}

/** Of the points about their common mean. */
function greatestSquare(...samples: readonly Points[]): number {
  const rows = samples.flatMap(rowsOf);
  const mean = (rows[0] ?? []).map((_, k) => rows.reduce((sum, row) => sum + (row[k] ?? 0), 0) / rows.length);
  return Math.max(...rows.map((row) => row.reduce((sum, value, k) => sum + (value - (mean[k] ?? 0)) ** 2, 0)));
}

function unit(random: Random, dimensions: number): readonly number[] {
  const vector = Array.from({ length: dimensions }, () => random.gaussian());
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

/** The chance that as many or more of the first value are as far from an even split, where the values are dealt out anew. */
function hypergeometric(n: number, m: number, firsts: number, inX: number): number {
  const logs = [0];
  for (let i = 1; i <= n + m; i++) logs.push((logs[i - 1] ?? 0) + Math.log(i));
  const logChoose = (of: number, some: number) => (logs[of] ?? 0) - (logs[some] ?? 0) - (logs[of - some] ?? 0);
  const expected = (n * firsts) / (n + m);
  let chance = 0;
  for (let count = Math.max(0, firsts - m); count <= Math.min(n, firsts); count++) {
    if (Math.abs(count - expected) < Math.abs(inX - expected) - 1e-9) continue;
    chance += Math.exp(logChoose(firsts, count) + logChoose(n + m - firsts, n - count) - logChoose(n + m, n));
  }
  return chance;
}

const kernel = fc.constantFrom<Kernel>({ name: 'rbf', bandwidth: 1.2 }, { name: 'linear' });

describe('permutation test', () => {
  test('T8: the p-value is that of a plain test over the same permutations, and never 0', () => {
    const size = fc.integer({ min: 2, max: 24 });
    fc.assert(
      fc.property(size, size, kernel, fc.boolean(), fc.nat(), (n, m, chosen, simd, seed) => {
        const random = randomFrom(seed);
        const [x, y] = [normals(random, n, 3), normals(random, m, 3, 0.7)];
        const found = permutationTest(x, y, chosen, { permutations: 30, seed, simd });
        // four means of values that are rounded to 2^-18 of the greatest, or of a power of two above it
        const rounding = 4 * 2 ** -18 * (chosen.name === 'linear' ? greatestSquare(x, y) : 1) + 1e-7;
        expect(found.pValue).toBeGreaterThanOrEqual(plainTest(x, y, chosen, 30, seed, -2 * rounding));
        expect(found.pValue).toBeLessThanOrEqual(plainTest(x, y, chosen, 30, seed, 2 * rounding));
        expect(Math.abs(found.mmd2 - unbiasedMmd2(x, y, chosen))).toBeLessThan(rounding);
        expect(found.pValue).toBeGreaterThanOrEqual(1 / 31);
        expect(found).toMatchObject({ permutations: 30, points: [n, m] });
      }),
      { numRuns: 40 },
    );
  });

  test('T8: under one distribution, the share of p-values up to 0.05 is 5 % within its binomial error', () => {
    const runs = 600;
    let rejected = 0;
    let sum = 0;
    for (let run = 0; run < runs; run++) {
      const random = randomFrom(run);
      const options = { permutations: 99, seed: run, simd: false };
      const { pValue } = permutationTest(normals(random, 12, 2), normals(random, 9, 2), 1, options);
      if (pValue <= 0.05) rejected += 1;
      sum += pValue;
    }
    // three standard errors: 0.0089 for the share, 0.0118 for the mean of uniform p-values
    expect(Math.abs(rejected / runs - 0.05)).toBeLessThan(3 * 0.0089);
    expect(Math.abs(sum / runs - 0.505)).toBeLessThan(3 * 0.0118);
  });

  test('T8: far samples have the least p-value there is, equal points have 1', () => {
    const random = randomFrom(1);
    const far = permutationTest(normals(random, 40, 3), normals(random, 40, 3, 5), 1, { permutations: 199 });
    expect(far.pValue).toBe(1 / 200);
    for (const chosen of [1, { name: 'linear' }] as const) {
      const equal = stack(new Array(20).fill([0.1, 0.2]));
      expect(permutationTest(equal, equal, chosen, { permutations: 50 }).pValue).toBe(1);
    }
    // one of the two ways to deal four points into these pairs again, so ties are common
    const ties = permutationTest(stack([[0], [1]]), stack([[0], [1]]), 1, { permutations: 2000 });
    expect(ties.pValue).toBe(1);
  });

  test.each([
    [true, 100, 100],
    [false, 100, 100],
    [true, 130, 70],
  ])(
    'T8: of two distinct values the p-value is the hypergeometric one, ties and all (simd %s, %d against %d)',
    (simd, n, m) => {
      const permutations = 1500;
      for (const seed of [1, 2, 3]) {
        const random = randomFrom(seed);
        const [one, other] = [unit(random, 64), unit(random, 64)];
        // sorted by value, so that roundings add up
        const sample = (size: number, ones: number) =>
          stack(Array.from({ length: size }, (_, i) => (i < ones ? one : other)));
        const [inX, inY] = [Math.round(n / 2) + 7, Math.round(m / 2) - 7];
        const exact = hypergeometric(n, m, inX + inY, inX);
        const { pValue } = permutationTest(sample(n, inX), sample(m, inY), 0.7, { permutations, seed, simd });
        expect(Math.abs(pValue - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / permutations));
      }
    },
  );

  test('the same seed gives the same test, however often the kernel is gone over', () => {
    const random = randomFrom(4);
    const [x, y] = [normals(random, 900, 4), normals(random, 500, 4, 0.05)];
    const options = { permutations: 150, seed: 9 };
    const one = permutationTest(x, y, 1.5, options);
    const shares: number[] = [];
    const progress = (share: number) => shares.push(share);
    expect(permutationTest(x, y, 1.5, { ...options, memoryMiB: 0, progress })).toEqual(one);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    expect(permutationTest(x, y, 1.5, options)).toEqual(one);
    expect(permutationTest(x, y, 1.5, { ...options, seed: 10 }).pValue).not.toBe(one.pValue);
    expect(permutationTest(y, x, 1.5, options).mmd2).toBeCloseTo(one.mmd2, 7);
  });

  test('of larger samples as many points are drawn as are asked for', () => {
    const random = randomFrom(6);
    const [x, y] = [normals(random, 300, 2), normals(random, 90, 2, 2)];
    const found = permutationTest(x, y, 1, { permutations: 20, maxPoints: 100 });
    expect(found.points).toEqual([100, 90]);
    expect(found.pValue).toBe(1 / 21);
  });

  test('refuses one point, NaN, other dimensions, and options out of range', () => {
    const two = stack([[1], [2]]);
    const rbf = { name: 'rbf', bandwidth: 1 } as const;
    expect(() => permutationTest(stack([[1]]), two, rbf)).toThrow('expected at least 2 in each sample, got 1');
    expect(() => permutationTest(two, stack([[1], [Number.NaN]]), rbf)).toThrow('expected finite numbers');
    expect(() =>
      permutationTest(
        two,
        stack([
          [1, 2],
          [3, 4],
        ]),
        rbf,
      ),
    ).toThrow('expected equal dimensions');
    expect(() => permutationTest(two, two, rbf, { permutations: 0 })).toThrow(
      'permutations: expected an integer from 1',
    );
    expect(() => permutationTest(two, two, rbf, { maxPoints: 1 })).toThrow(
      'maxPoints: expected an integer from 2, got 1',
    );
    expect(() => permutationTest(two, two, rbf, { seed: 0.5 })).toThrow('seed');
    expect(() => permutationTest(two, two, rbf, { memoryMiB: -1 })).toThrow('memoryMiB: expected a number from 0');
  });
});

describe('kernel sums of sets', () => {
  test.each([70, 1025, 2050])('equal plain double loops over %d points', (size) => {
    const random = randomFrom(2);
    const points = normals(random, size, 3);
    const sets = [3, size, size - 1, 40].map((n) => drawToFront(allRows(size), n, random).slice());
    const shares: number[] = [];
    const { within, touching, total } = setSums(kernelTiles(points, points, 1), {
      size,
      sets: sets.length,
      membersOf: (set) => sets[set] ?? [],
      greatest: 1,
      progress: (share) => shares.push(share),
    });
    const k = kernelFunction(1);
    for (const [set, members] of sets.entries()) {
      const isIn = new Set(members);
      let [own, all] = [0, 0];
      for (const i of members) {
        for (let j = 0; j < size; j++) {
          if (i === j) continue;
          const value = k(points, i, points, j);
          all += value;
          if (isIn.has(j)) own += value;
        }
      }
      expect(Math.abs((within[set] ?? Number.NaN) - own) / members.length ** 2).toBeLessThan(1e-6);
      expect(Math.abs((touching[set] ?? Number.NaN) - all) / (members.length * size)).toBeLessThan(1e-6);
    }
    expect([within[1], touching[1]]).toEqual([total, total]);
    expect(shares.at(-1)).toBe(1);
    expect(setBytes(size)).toBeLessThan(4 * (size + 64));
  });

  test.each([true, false])('of equal points are equal to the last bit, wherever they lie (simd %s)', (simd) => {
    const random = randomFrom(3);
    const values = Array.from({ length: 3 }, () => unit(random, 16));
    const labels = Array.from({ length: 700 }, () => random.below(3));
    const points = stack(labels.map((label) => values[label] ?? []));
    const rowsOfLabel = values.map((_, label) => Uint32Array.from(allRows(700).filter((row) => labels[row] === label)));
    const counts = [120, 40, 90];
    const { within, touching } = setSums(kernelTiles(points, points, 0.7, { simd }), {
      simd,
      size: 700,
      sets: 70,
      membersOf: () =>
        counts.flatMap((count, label) => [...drawToFront(rowsOfLabel[label] ?? allRows(0), count, random)]),
      greatest: 1,
    });
    expect(new Set(within).size).toBe(1);
    expect(new Set(touching).size).toBe(1);
  });
});
