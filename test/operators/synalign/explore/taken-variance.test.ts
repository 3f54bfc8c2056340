import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, test } from 'vitest';

import { PosteriorVariance } from '../../../../operators/kernels/gaussian-process/posterior-variance.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import type { Candidate } from '../../../../operators/synalign/explore/candidate.js';
import { nearestCandidates } from '../../../../operators/synalign/explore/nearest-candidates.js';
import { TakenVariance } from '../../../../operators/synalign/explore/taken-variance.js';
import { unit } from '../hashing-embedder.js';

const dimensions = 6;
const capacity = 8;

function candidates(count: number, seed: number): readonly Candidate[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, slot) => ({
    slot,
    example: { id: `${slot}`, fields: {}, vary: {}, from: 'real' as const },
    embedding: unit(Float32Array.from({ length: dimensions }, () => random.gaussian())),
    at: slot,
    print: `${slot}`,
  }));
}

function processOver(all: readonly Candidate[]): PosteriorVariance {
  const process = new PosteriorVariance({ dimensions, bandwidth: 0.8, capacity, places: all.length });
  for (const { slot, embedding } of all) process.place(slot, embedding);
  return process;
}

/** The posterior covariance of all candidates given the first `observed`, by ml-matrix. */
function solved(all: readonly Candidate[], observed: number): Matrix {
  const kernel = (rows: readonly Candidate[], columns: readonly Candidate[]) =>
    new Matrix(
      rows.map((a) =>
        columns.map((b) => {
          const squared = a.embedding.reduce((sum, value, i) => sum + (value - (b.embedding[i] ?? 0)) ** 2, 0);
          return Math.exp(-squared / (2 * 0.8 ** 2));
        }),
      ),
    );
  if (observed === 0) return kernel(all, all);
  const known = all.slice(0, observed);
  const across = kernel(known, all);
  const noisy = kernel(known, known).add(Matrix.eye(observed).mul(1e-3));
  return kernel(all, all).sub(across.transpose().mmul(new CholeskyDecomposition(noisy).solve(across)));
}

describe('TakenVariance', () => {
  test('is the weighted sum of squared covariances, while observations come and go', () => {
    const all = candidates(60, 1);
    const process = processOver(all);
    const taken = new TakenVariance(dimensions, capacity);
    const random = randomFrom(2);
    const picks = all.slice(20, 57);
    for (const observed of [0, 5, 8, 3]) {
      if (observed < process.size) process.keep([0, 1, 2].map((index) => ({ index, noise: 1e-3 })));
      while (process.size < observed) process.add(all[process.size]?.embedding ?? new Float32Array(0), 1e-3);
      const points = all.slice(observed, 50).map((candidate) => ({ candidate, weight: random.float() }));
      const covariance = solved(all, observed);
      const sums = taken.by(picks, points, process);
      for (const [i, { slot }] of picks.entries()) {
        const expected = points.reduce(
          (sum, { candidate, weight }) => sum + weight * covariance.get(slot, candidate.slot) ** 2,
          0,
        );
        expect(Math.abs((sums[i] ?? 0) - expected)).toBeLessThan(1e-5);
      }
    }
  });

  test('is nothing before there is a process, and of no points', () => {
    const all = candidates(3, 3);
    const points = all.map((candidate) => ({ candidate, weight: 1 }));
    const taken = new TakenVariance(dimensions, capacity);
    expect([...taken.by(all, points, undefined)]).toEqual([0, 0, 0]);
    expect([...taken.by(all, [], processOver(all))]).toEqual([0, 0, 0]);
  });
});

test('nearestCandidates: by kernel values they are those by distances', () => {
  const all = candidates(40, 4);
  const process = processOver(all);
  const [, , centre] = all;
  if (centre === undefined) throw new Error('no candidates');
  process.add(centre.embedding);
  const farness = Float64Array.from(all, ({ slot }) => -process.kernelOf(slot, 0));
  const byKernel = nearestCandidates(centre, all, 10, farness);
  expect(byKernel).toEqual(nearestCandidates(centre, all, 10));
  expect(byKernel).not.toContain(centre);
});
