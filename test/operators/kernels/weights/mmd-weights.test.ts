import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { weightedMmd2 } from '../../../../operators/kernels/mmd/mmd.js';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { rbf } from '../../../../operators/kernels/mmd/rbf.js';
import { type Points, squaredDistance, stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { effectiveSampleSize } from '../../../../operators/kernels/weights/effective-sample-size.js';
import { denseMatrix, featureMatrix, type KernelMatrix } from '../../../../operators/kernels/weights/kernel-matrix.js';
import {
  type MmdWeightsOptions,
  mmdWeights,
  outOfSampleWeight,
} from '../../../../operators/kernels/weights/mmd-weights.js';
import { ownPart } from '../../../../operators/kernels/weights/own-part.js';
import { addProjected, projectionWeights } from '../../../../operators/kernels/weights/projection-weights.js';

const line = (...values: number[]) => stack(values.map((value) => [value]));

/** K of the items, as rows, and their mean kernels with a reference: entry by entry. */
function gram(items: Points, bandwidth: number): Float64Array {
  return Float64Array.from({ length: items.size ** 2 }, (_, at) =>
    rbf(squaredDistance(items, Math.floor(at / items.size), items, at % items.size), bandwidth),
  );
}

function means(items: Points, reference: Points, bandwidth: number): Float64Array {
  return Float64Array.from({ length: items.size }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < reference.size; j++) sum += rbf(squaredDistance(items, i, reference, j), bandwidth);
    return sum / reference.size;
  });
}

function problem(items: Points, reference: Points, bandwidth: number): MmdWeightsOptions {
  const kernel = denseMatrix(gram(items, bandwidth), items.size);
  return { kernel, target: means(items, reference, bandwidth), tolerance: 1e-13 };
}

function cloud(seed: number, size: number, dimensions: number, shift: number): Points {
  const random = randomFrom(seed);
  return stack(Array.from({ length: size }, () => Array.from({ length: dimensions }, () => random.gaussian() + shift)));
}

function product(kernel: KernelMatrix, weights: Float64Array): Float64Array {
  const into = new Float64Array(kernel.size);
  kernel.multiply(weights, into);
  return into;
}

describe('mmdWeights', () => {
  test('T3: the weights of 1 and 3 against 0, 1, 2', () => {
    const [real, items] = [line(0, 1, 2), line(1, 3)];
    const { weights, gap } = mmdWeights({ ...problem(items, real, 1), regularization: 0 });
    expect(weights[0]).toBeCloseTo(0.7814359431, 9);
    expect(weights[1]).toBeCloseTo(0.2185640569, 9);
    expect(weightedMmd2(real, items, weights, 1)).toBeCloseTo(0.0749923157, 10);
    expect(weightedMmd2(real, items, Float64Array.of(0.5, 0.5), 1)).toBeCloseTo(0.2119659115, 10);
    expect(gap).toBeLessThanOrEqual(1e-13);
  });

  test('T5: a sample against itself keeps even weights, and is at no distance', () => {
    const items = cloud(1, 30, 3, 0);
    const { weights, objective, effectiveSampleSize: size } = mmdWeights(problem(items, items, 1.5));
    for (const weight of weights) expect(weight).toBeCloseTo(1 / 30, 6);
    expect(weightedMmd2(items, items, weights, 1.5)).toBeLessThan(1e-10);
    expect(size).toBeCloseTo(30, 6);
    // all that is left of the objective beside the reference's own part is the ridge
    const own = means(items, items, 1.5).reduce((sum, value) => sum + value / 30, 0);
    expect(objective + own).toBeCloseTo(1e-3, 8);
  });

  test('is the best of all active sets, tried one by one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 2, maxLength: 5 }),
        fc.double({ min: 0.01, max: 0.5, noNaN: true }),
        fc.constantFrom(1, 1.3, 2, 10),
        (places, regularization, cap) => {
          const options = { ...problem(line(...places), line(-1, 0, 0.3, 1), 0.7), regularization, cap };
          const { weights, objective } = mmdWeights(options);
          const best = bruteForce(options);
          expect(objective).toBeCloseTo(best.objective, 10);
          for (const [i, weight] of weights.entries()) expect(weight).toBeCloseTo(best.weights[i] ?? Number.NaN, 4);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('keeps the conditions of Karush, Kuhn and Tucker, with a cap that binds', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(1e-4, 1e-3, 0.1), fc.constantFrom(1, 1.5, 4, 1e6), (seed, lambda, cap) => {
        const items = cloud(seed, 60, 4, 0.6);
        const options = { ...problem(items, cloud(seed + 1, 50, 4, 0), 2), regularization: lambda, cap };
        const { weights, shift } = mmdWeights(options);
        const image = product(options.kernel, weights);
        const limit = cap / 60;
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
        for (const [i, weight] of weights.entries()) {
          expect(weight >= 0 && weight <= limit * (1 + 1e-12)).toBe(true);
          const level = (options.target[i] ?? 0) - (image[i] ?? 0) - lambda * 60 * weight - shift;
          if (weight > 1e-12 && weight < limit * (1 - 1e-9)) expect(Math.abs(level)).toBeLessThan(1e-4);
          else if (weight <= 1e-12) expect(level).toBeLessThan(1e-4);
          else expect(level).toBeGreaterThan(-1e-4);
        }
      }),
      { numRuns: 40, examples: [[509896060, 1e-4, 1.5]] },
    );
  });

  test('the gap that it states bounds how far it is, at any tolerance', () => {
    const items = cloud(3, 200, 3, 0.7);
    const options = { ...problem(items, cloud(4, 150, 3, 0), 1.2), regularization: 1e-4, cap: 20 };
    const best = mmdWeights(options);
    for (const tolerance of [1e-2, 1e-4, 1e-6, 1e-8]) {
      const { objective, gap, iterations } = mmdWeights({ ...options, tolerance });
      expect(gap).toBeLessThanOrEqual(tolerance);
      expect(objective - best.objective).toBeLessThanOrEqual(gap + 1e-12);
      expect(iterations).toBeLessThanOrEqual(best.iterations);
    }
  });

  test('a warm start leads to the same weights, sooner', () => {
    const items = cloud(5, 150, 3, 0.5);
    const options = { ...problem(items, cloud(6, 150, 3, 0), 1.5), tolerance: 1e-10 };
    const cold = mmdWeights(options);
    const warm = mmdWeights({ ...options, start: cold.weights });
    expect(warm.iterations).toBeLessThan(cold.iterations / 2);
    for (const [i, weight] of warm.weights.entries()) expect(weight).toBeCloseTo(cold.weights[i] ?? Number.NaN, 6);
    // what is not feasible is a start as well
    const wild = mmdWeights({ ...options, start: new Float64Array(150).map((_, i) => i - 70) });
    expect(wild.objective).toBeCloseTo(cold.objective, 8);
  });

  test('over features it never forms the matrix, and finds what the matrix of features has', () => {
    const [items, real] = [cloud(7, 80, 3, 0.5), cloud(8, 90, 3, 0)];
    const features = randomFeatures({ dimensions: 3, frequencies: 64, bandwidth: 1.5, seed: 2 });
    const phi = new Float64Array(80 * 128);
    features.mapAll(items, phi);
    const realPhi = new Float64Array(90 * 128);
    features.mapAll(real, realPhi);
    const kernel = featureMatrix(phi, 80);
    const target = new Float64Array(80);
    kernel.dots(featureMatrix(realPhi, 90).combine(new Float64Array(90).fill(1 / 90)), target);
    const entries = Float64Array.from({ length: 6400 }, (_, at) => {
      const [i, j] = [Math.floor(at / 80) * 128, (at % 80) * 128];
      return phi.subarray(i, i + 128).reduce((sum, value, k) => sum + value * (phi[j + k] ?? 0), 0);
    });
    const one = mmdWeights({ kernel, target, tolerance: 1e-12 });
    const other = mmdWeights({ kernel: denseMatrix(entries, 80), target, tolerance: 1e-12 });
    for (const [i, weight] of one.weights.entries()) expect(weight).toBeCloseTo(other.weights[i] ?? Number.NaN, 6);
  });

  test('shares of a mixture are restored', () => {
    const random = randomFrom(9);
    const mixed = (size: number, share: number) =>
      stack(Array.from({ length: size }, (_, i) => [random.gaussian() + (i < share * size ? 3 : -3)]));
    const items = mixed(300, 0.1);
    const { weights } = mmdWeights({ ...problem(items, mixed(300, 0.5), 1.5), regularization: 1e-3 });
    const first = weights.subarray(0, 30).reduce((sum, weight) => sum + weight, 0);
    expect(Math.abs(first - 0.5)).toBeLessThan(0.03);
  });

  test('T8: the effective sample size is from 1 to the number of items, and that number for even weights', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(10), fc.constantFrom(0, 1e-3, 1), (seed, size, regularization) => {
        const items = cloud(seed, size + 1, 2, 0.5);
        const solved = mmdWeights({ ...problem(items, cloud(seed + 1, 8, 2, 0), 1), regularization, tolerance: 1e-8 });
        expect(solved.effectiveSampleSize).toBeGreaterThan(1 - 1e-9);
        expect(solved.effectiveSampleSize).toBeLessThan(size + 1 + 1e-9);
        expect(solved.effectiveSampleSize).toBeCloseTo(effectiveSampleSize(solved.weights), 9);
      }),
      { numRuns: 50 },
    );
    expect(effectiveSampleSize(new Float64Array(7).fill(1 / 7))).toBeCloseTo(7, 12);
    expect(effectiveSampleSize(Float64Array.of(0, 1, 0))).toBe(1);
  });

  test('the effective sample size grows with the ridge, and is floored by raising it no more than is needed', () => {
    const items = cloud(11, 120, 2, 1.5);
    const options = { ...problem(items, cloud(12, 120, 2, 0), 1), tolerance: 1e-9 };
    const sizes = [1e-4, 1e-2, 1, 100].map(
      (regularization) => mmdWeights({ ...options, regularization }).effectiveSampleSize,
    );
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    for (const share of [0.3, 0.6, 1]) {
      const floored = mmdWeights({ ...options, minEffectiveShare: share });
      expect(floored.effectiveSampleSize).toBeGreaterThanOrEqual(share * 120 * (1 - 1e-6));
      expect(floored.regularization).toBeGreaterThan(1e-3);
      if (share < 1) expect(floored.effectiveSampleSize).toBeLessThan(share * 120 * 1.05);
    }
    expect(mmdWeights({ ...options, minEffectiveShare: 0.01 }).regularization).toBe(1e-3);
  });

  test('one item, and items that are all alike', () => {
    expect([...mmdWeights(problem(line(4), line(0, 1), 1)).weights]).toEqual([1]);
    const { weights, gap } = mmdWeights(problem(line(2, 2, 2, 2), line(0, 1), 1));
    for (const weight of weights) expect(weight).toBeCloseTo(0.25, 9);
    expect(gap).toBeLessThan(1e-12);
  });

  test('refuses bad input', () => {
    const options = problem(line(1, 2), line(0), 1);
    const kernel = { ...options.kernel, size: 0 };
    expect(() => mmdWeights({ ...options, kernel })).toThrow('at least one item');
    expect(() => mmdWeights({ ...options, target: Float64Array.of(1) })).toThrow('target: expected 2 numbers, got 1');
    expect(() => mmdWeights({ ...options, target: Float64Array.of(1, Number.NaN) })).toThrow('expected finite');
    expect(() => mmdWeights({ ...options, regularization: -1 })).toThrow('regularization: expected a number from 0');
    expect(() => mmdWeights({ ...options, cap: 0.5 })).toThrow('cap: expected a number from 1, got 0.5');
    expect(() => mmdWeights({ ...options, minEffectiveShare: 2 })).toThrow('minEffectiveShare: expected');
    expect(() => mmdWeights({ ...options, start: Float64Array.of(1) })).toThrow('start: expected 2 numbers');
    expect(() => mmdWeights({ ...options, tolerance: 0 })).toThrow('tolerance: expected');
    expect(() => mmdWeights({ ...options, maxIterations: 0 })).toThrow('maxIterations: expected');
    expect(() => denseMatrix(new Float64Array(5), 2)).toThrow('expected 2 x 2 numbers, got 5');
    expect(() => featureMatrix(new Float64Array(5), 2)).toThrow('expected 2 rows of equal length');
  });
});

describe('outOfSampleWeight', () => {
  test('without an own part it is the weight that items of the sample have', () => {
    const items = cloud(13, 80, 3, 0.8);
    const options = { ...problem(items, cloud(14, 80, 3, 0), 1.5), regularization: 1e-2, cap: 3, tolerance: 1e-14 };
    const { weights, shift, regularization } = mmdWeights(options);
    const image = product(options.kernel, weights);
    const solution = { shift, ridge: regularization * 80, own: 0, cap: 3 / 80 };
    for (const [i, weight] of weights.entries()) {
      expect(outOfSampleWeight((options.target[i] ?? 0) - (image[i] ?? 0), solution)).toBeCloseTo(weight, 5);
    }
  });

  test.each([
    { dimensions: 2, bandwidth: 1.2, own: 0.1 },
    { dimensions: 40, bandwidth: 4, own: 0.8 },
  ])('new items weigh 1 in the mean, in $dimensions dimensions', ({ dimensions, bandwidth, own: most }) => {
    const of = (seed: number, shift: number) => cloud(seed, 300, dimensions, shift / Math.sqrt(dimensions));
    const [items, fresh, real] = [of(15, 0.7), of(16, 0.7), of(17, 0)];
    const options = { ...problem(items, real, bandwidth), tolerance: 1e-9 };
    const { weights, shift, regularization } = mmdWeights(options);
    const bounds = { ridge: regularization * 300, cap: 1 };
    const own = ownPart({ kernel: options.kernel, weights, ...bounds, seed: 1 });
    expect(own).toBeGreaterThan(most / 10);
    expect(own).toBeLessThan(most);
    const target = means(fresh, real, bandwidth);
    let total = 0;
    for (let i = 0; i < fresh.size; i++) {
      let image = 0;
      for (const [j, weight] of weights.entries())
        image += weight * rbf(squaredDistance(fresh, i, items, j), bandwidth);
      total += outOfSampleWeight((target[i] ?? 0) - image, { shift, own, ...bounds });
    }
    expect(Math.abs(total - 1)).toBeLessThan(0.2);
  });

  test('the own part is the mean of the leave-one-out variances, solved for one by one', () => {
    const items = cloud(18, 24, 3, 0.5);
    const options = { ...problem(items, cloud(19, 30, 3, 0.2), 1.5), regularization: 0.05 };
    const { weights } = mmdWeights(options);
    expect(weights.every((weight) => weight > 0)).toBe(true);
    const entries = gram(items, 1.5);
    const inverse = Array.from({ length: 24 }, (_, j) => {
      const rows = Array.from({ length: 24 }, (_, i) => [
        ...Array.from({ length: 24 }, (_, k) => (entries[i * 24 + k] ?? 0) + (i === k ? 0.05 * 24 : 0)),
        i === j ? 1 : 0,
      ]);
      return solved(rows)?.[j] ?? Number.NaN;
    });
    const expected = 24 / inverse.reduce((sum, entry) => sum + entry, 0) - 0.05 * 24;
    const own = ownPart({ kernel: options.kernel, weights, cap: 1, ridge: 0.05 * 24, seed: 5 });
    // of the trace, as 8 probes of 24 signs tell it
    expect(Math.abs((own + 1.2) / (expected + 1.2) - 1)).toBeLessThan(0.1);
    expect(ownPart({ kernel: options.kernel, weights: new Float64Array(24), cap: 1, ridge: 1, seed: 5 })).toBe(1);
  });
});

describe('projectionWeights', () => {
  test('T7: a random projection keeps squared lengths in the mean', () => {
    const random = randomFrom(21);
    const vector = Float64Array.from({ length: 12 }, () => random.gaussian());
    const squares = vector.reduce((sum, value) => sum + value * value, 0);
    let total = 0;
    const rounds = 4000;
    for (let round = 0; round < rounds; round++) {
      const seen = new Float64Array(12);
      addProjected(vector, 4, random.gaussian, seen, 1);
      // v'Theta'Theta v = |Theta v|^2
      total += seen.reduce((sum, value, i) => sum + value * (vector[i] ?? 0), 0) / squares;
    }
    // |Theta v|^2 / |v|^2 is chi-square of 4 over 4: a standard deviation of sqrt(1/2)
    expect(Math.abs(total / rounds - 1)).toBeLessThan(4 * Math.sqrt(0.5 / rounds));
  });

  test('T7: reconstruction A has the minimiser of MMD with a linear kernel', () => {
    // fewer items than dimensions, so that the minimiser is unique
    const items = cloud(22, 6, 10, 0);
    const target = Float64Array.from({ length: 10 }, (_, i) => {
      const of = (row: number) => items.data[row * 10 + i] ?? 0;
      return 0.4 * of(0) + 0.3 * of(1) + 0.2 * of(2) + 0.05 * of(3) + 0.05 * of(4) + 0.1 * Math.sin(i);
    });
    const kernel = featureMatrix(items.data, 6);
    const closed = new Float64Array(6);
    kernel.dots(target, closed);
    const linear = mmdWeights({ kernel, target: closed, regularization: 0, tolerance: 1e-13 });
    const {
      weights,
      objective,
      effectiveSampleSize: size,
    } = projectionWeights({
      items,
      target,
      seed: 3,
      maxSteps: 4000,
      stepSize: 0.02,
    });
    const squares = target.reduce((sum, value) => sum + value * value, 0);
    expect(objective).toBeGreaterThan(linear.objective + squares - 1e-9);
    expect(objective).toBeLessThan((linear.objective + squares) * 1.1);
    for (const [i, weight] of weights.entries()) expect(Math.abs(weight - (linear.weights[i] ?? 0))).toBeLessThan(0.04);
    expect(size).toBeGreaterThan(1);
  });

  test('the same seed gives the same weights; bad input is refused', () => {
    const items = cloud(23, 20, 4, 0);
    const options = { items, target: new Float64Array(4), seed: 5, maxSteps: 100 };
    expect(projectionWeights(options)).toEqual(projectionWeights(options));
    expect(() => projectionWeights({ ...options, target: new Float64Array(3) })).toThrow('expected 4 numbers, got 3');
    expect(() => projectionWeights({ ...options, target: Float64Array.of(1, 2, Number.NaN, 3) })).toThrow('finite');
    const none = { data: new Float64Array(0), size: 0, dimensions: 4 };
    expect(() => projectionWeights({ ...options, items: none })).toThrow('items: expected at least one');
  });
});

/** Every split of the items into those at 0, at the cap and between, the last by their linear equations. */
function bruteForce({ kernel, target, regularization = 0, cap = 1 }: MmdWeightsOptions) {
  const n = kernel.size;
  const limit = cap / n;
  const columns = Array.from({ length: n }, (_, i) => product(kernel, new Float64Array(n).fill(1, i, i + 1)));
  const objectiveOf = (w: readonly number[]) =>
    w.reduce(
      (sum, a, i) =>
        sum +
        w.reduce((row, b, j) => row + a * b * (columns[j]?.[i] ?? 0), 0) -
        2 * a * (target[i] ?? 0) +
        regularization * n * a * a,
      0,
    );
  let best = { weights: new Array<number>(n).fill(1 / n), objective: Number.POSITIVE_INFINITY };
  for (let code = 0; code < 3 ** n; code++) {
    const states = Array.from({ length: n }, (_, i) => Math.floor(code / 3 ** i) % 3);
    const free = states.flatMap((state, i) => (state === 2 ? [i] : []));
    const fixed = states.map((state) => (state === 1 ? limit : 0));
    const rest = 1 - fixed.reduce((sum, weight) => sum + weight, 0);
    // K_ff w + lambda n w + mu = target - K_fc w_c, and sum w = rest
    const rows = free.map((i) => [
      ...free.map((j) => (columns[j]?.[i] ?? 0) + (i === j ? regularization * n : 0)),
      1,
      (target[i] ?? 0) - fixed.reduce((sum, weight, j) => sum + weight * (columns[j]?.[i] ?? 0), 0),
    ]);
    const solution = free.length === 0 ? [] : solved([...rows, [...free.map(() => 1), 0, rest]]);
    if (solution === undefined) continue;
    const weights = fixed.slice();
    for (const [at, i] of free.entries()) weights[i] = solution[at] ?? 0;
    const sum = weights.reduce((total, weight) => total + weight, 0);
    if (Math.abs(sum - 1) > 1e-9 || weights.some((w) => w < -1e-12 || w > limit * (1 + 1e-9))) continue;
    const objective = objectiveOf(weights);
    if (objective < best.objective) best = { weights, objective };
  }
  return best;
}

/** Gauss and Jordan with pivots; the last column is the right side. Undefined where it is singular. */
function solved(rows: number[][]): readonly number[] | undefined {
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    const pivot = rows.slice(column).reduce(
      (most, row, i) => {
        const value = Math.abs(row[column] ?? 0);
        return value > most.value ? { value, at: column + i } : most;
      },
      { value: 0, at: column },
    );
    if (pivot.value < 1e-12) return undefined;
    const [top, other] = [rows[column] ?? [], rows[pivot.at] ?? []];
    rows[column] = other;
    rows[pivot.at] = top;
    for (const [i, row] of rows.entries()) {
      if (i === column) continue;
      const factor = (row[column] ?? 0) / (other[column] ?? 1);
      for (let k = column; k <= n; k++) row[k] = (row[k] ?? 0) - factor * (other[k] ?? 0);
    }
  }
  return rows.map((row, i) => (row[n] ?? 0) / (row[i] ?? 1));
}
