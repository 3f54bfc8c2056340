import { expect, test } from 'vitest';

import type { Points } from '../../../operators/kernels/points.js';
import { randomFrom } from '../../../operators/kernels/random.js';
import { VectorSummary, vendiLimit } from '../../../operators/quality/vector-summary.js';

/** Unit vectors of which each is one of so many, all at right angles. */
function axes(count: number, directions: number, dimensions: number): readonly Float32Array[] {
  return Array.from({ length: count }, (_, i) => {
    const vector = new Float32Array(dimensions);
    vector[i % directions] = 1;
    return vector;
  });
}

function summaryOf(vectors: readonly Float32Array[], dimensions: number, sample = 100): VectorSummary {
  const summary = new VectorSummary({ dimensions, sample, seed: 3 });
  for (const vector of vectors) summary.add(vector);
  return summary;
}

test.each([8, vendiLimit, vendiLimit + 88])(
  '%d dimensions: the Vendi score of n directions, each as often, is n',
  (d) => {
    const { score, records } = summaryOf(axes(60, 6, d), d).vendi();
    expect(score).toBeCloseTo(6, 4);
    expect(records).toBe(60);
  },
);

test('beyond the limit of dimensions, the Vendi score is that of a sample', () => {
  const { score, records } = summaryOf(axes(2000, 4, 600), 600).vendi();
  expect(records).toBe(vendiLimit);
  expect(score).toBeGreaterThan(3.9);
  expect(score).toBeLessThanOrEqual(4);
});

test('both ways to the Vendi score agree', () => {
  const random = randomFrom(5);
  const vectors = Array.from({ length: 80 }, () => {
    const vector = Float32Array.from({ length: vendiLimit }, (_, i) => random.gaussian() / (1 + i));
    const norm = Math.hypot(...vector);
    return vector.map((x) => x / norm);
  });
  const wide = vectors.map((vector) => Float32Array.from({ length: vendiLimit + 4 }, (_, i) => vector[i] ?? 0));
  const narrow = summaryOf(vectors, vendiLimit).vendi().score;
  expect(summaryOf(wide, vendiLimit + 4).vendi().score).toBeCloseTo(narrow, 3);
});

test('the sample for pairs and that of the Vendi score are draws of their own, also with the next seed', () => {
  const dimensions = vendiLimit + 4;
  const random = randomFrom(6);
  const summaries = [3, 4].map((seed) => new VectorSummary({ dimensions, sample: vendiLimit, seed }));
  for (let i = 0; i < vendiLimit + 200; i++) {
    const vector = Float32Array.from({ length: dimensions }, () => random.float());
    for (const summary of summaries) summary.add(vector);
  }
  const firsts = (points: Points | undefined) => [...(points?.data ?? [])].filter((_, i) => i % dimensions === 0);
  const drawn = summaries.flatMap(({ sample, directions }) => [
    firsts(sample),
    firsts('points' in directions ? directions.points : undefined),
  ]);
  expect(drawn.map(({ length }) => length)).toEqual(new Array(4).fill(vendiLimit));
  expect(new Set(drawn.map((rows) => rows.join())).size).toBe(4);
});

test('the mean cosine is that of all pairs, the sample at most what was asked for', () => {
  const summary = summaryOf(axes(40, 4, 8), 8, 30);
  // of 39 others, 9 are the same
  expect(summary.meanCosine).toBeCloseTo(9 / 39, 10);
  expect(summary.count).toBe(40);
  expect(summary.sample.size).toBe(30);
});
