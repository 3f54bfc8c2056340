import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, test } from 'vitest';
import { kernelEigenvalues, SecondMoment, vendiScore } from '../../../../operators/kernels/diversity/second-moment.js';
import { stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

const dimensions = 7;

describe('SecondMoment', () => {
  test('has the covariance of what is inside, whatever came and went', () => {
    const rows = Array.from({ length: 60 }, (_, n) => unit(n));
    const moment = momentOf(rows);
    for (const row of rows.slice(0, 23)) moment.remove(row);
    const inside = rows.slice(23);
    expect(moment.size).toBe(37);
    expect(moment.participationRatio()).toBeCloseTo(participationOf(inside), 8);
    expect(vendiScore(moment.eigenvalues())).toBeCloseTo(vendiOfKernel(inside), 6);
    expect([...moment.eigenvalues()]).toEqual([...momentOf(inside.toReversed()).eigenvalues()]);
  });

  test('passes zero vectors over', () => {
    const moment = momentOf([unit(1), new Float32Array(dimensions), unit(2)]);
    expect(moment.size).toBe(2);
    moment.remove(new Float32Array(dimensions));
    expect(moment.size).toBe(2);
  });

  test('of nothing, of one and of equal vectors has no spread', () => {
    expect(new SecondMoment(dimensions).participationRatio()).toBe(0);
    expect([...new SecondMoment(dimensions).eigenvalues()]).toEqual([]);
    expect(momentOf([unit(1)]).participationRatio()).toBe(0);
    expect(momentOf(Array.from({ length: 9 }, () => unit(1))).participationRatio()).toBe(0);
  });

  test('refuses what does not fit', () => {
    const moment = new SecondMoment(dimensions);
    expect(() => moment.add(new Float32Array(3))).toThrow('vector: expected 7 numbers, got 3');
    expect(() => moment.remove(unit(1))).toThrow('there is no vector to remove');
  });

  test('participation ratio counts equally strong directions', () => {
    const axes = (count: number) =>
      Array.from({ length: 2 * count }, (_, n) =>
        Float32Array.from({ length: dimensions }, (_x, i) => (i === n >> 1 ? (n % 2 === 0 ? 1 : -1) : 0)),
      );
    for (const count of [1, 3, 7]) expect(momentOf(axes(count)).participationRatio()).toBeCloseTo(count, 9);
  });
});

describe('eigenvalues', () => {
  test.each([2, 16, 60, 200])('of %i vectors of which many are one and the same are numbers', (size) => {
    const rows = Array.from({ length: size }, (_, n) => unit(n % 2));
    const cosine = unit(0).reduce((sum, value, i) => sum + value * (unit(1)[i] ?? 0), 0);
    const expected = vendiScore([(1 + Math.abs(cosine)) / 2, (1 - Math.abs(cosine)) / 2]);
    expect(vendiScore(kernelEigenvalues(stack(rows)))).toBeCloseTo(expected, 6);
    expect(vendiScore(momentOf(rows).eigenvalues())).toBeCloseTo(expected, 6);
  });
});

describe('Vendi score', () => {
  test('is 1 for equal texts, n for orthogonal ones, and what copies are worth', () => {
    const axis = (i: number) => Float32Array.from({ length: dimensions }, (_, k) => (k === i ? 1 : 0));
    const score = (rows: readonly Float32Array[]) => vendiScore(momentOf(rows).eigenvalues());
    expect(score([axis(0), axis(0), axis(0)])).toBeCloseTo(1, 9);
    expect(score([axis(0), axis(1), axis(2), axis(3)])).toBeCloseTo(4, 9);
    expect(score([axis(0), axis(0), axis(1), axis(1)])).toBeCloseTo(2, 9);
    expect(vendiScore([])).toBe(0);
  });

  test('is the same from the d x d moment and the n x n kernel', () => {
    for (const size of [2, 5, 7, 30]) {
      const rows = Array.from({ length: size }, (_, n) => unit(100 + n));
      const kernel = vendiScore(kernelEigenvalues(stack(rows)));
      expect(vendiScore(momentOf(rows).eigenvalues())).toBeCloseTo(kernel, 6);
      expect(kernel).toBeCloseTo(vendiOfKernel(rows), 6);
    }
  });
});

function unit(seed: number): Float32Array {
  const random = randomFrom(seed);
  const vector = Float64Array.from({ length: dimensions }, (_, i) => random.gaussian() / (i + 1));
  const norm = Math.hypot(...vector);
  return Float32Array.from(vector, (x) => x / norm);
}

function momentOf(rows: readonly Float32Array[]): SecondMoment {
  const moment = new SecondMoment(dimensions);
  for (const row of rows) moment.add(row);
  return moment;
}

function participationOf(rows: readonly Float32Array[]): number {
  const Z = new Matrix(rows.map((row) => [...row]));
  const centred = Z.clone().subRowVector(Z.mean('column'));
  const C = centred.transpose().mmul(centred).div(rows.length);
  return C.trace() ** 2 / C.mmul(C).trace();
}

/** exp of the entropy of the eigenvalues of K / n, by the definition. */
function vendiOfKernel(rows: readonly Float32Array[]): number {
  const Z = new Matrix(rows.map((row) => [...row]));
  const { realEigenvalues } = new EigenvalueDecomposition(Z.mmul(Z.transpose()).div(rows.length));
  return Math.exp(-realEigenvalues.reduce((sum, value) => (value > 1e-15 ? sum + value * Math.log(value) : sum), 0));
}
