import { describe, expect, test } from 'vitest';

import { pairedDiversity } from '../../../../operators/kernels/diversity/paired-diversity.js';
import { type Points, stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

const dimensions = 8;

describe('pairedDiversity', () => {
  test('equals pair by pair means and the jackknife by leaving each pair out', () => {
    const { before, after } = pairs(25, 1, 0.4);
    const found = pairedDiversity(before, after);
    const all = [...Array(25).keys()];
    const difference = (rows: readonly number[]) => meanCosine(after, rows) - meanCosine(before, rows);
    expect(found.before).toBeCloseTo(meanCosine(before, all), 10);
    expect(found.after).toBeCloseTo(meanCosine(after, all), 10);
    expect(found.difference).toBeCloseTo(difference(all), 10);
    expect(found.cosine).toBeCloseTo(all.reduce((sum, i) => sum + cosine(before, i, after, i), 0) / 25, 10);
    const left = all.map((out) => difference(all.filter((row) => row !== out)));
    const mean = left.reduce((sum, x) => sum + x, 0) / 25;
    const variance = (24 / 25) * left.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    expect(found.standardError).toBeCloseTo(Math.sqrt(variance), 10);
  });

  test('is below p = 0.05 about once in twenty looks where refining changes nothing on average', () => {
    const runs = 300;
    let small = 0;
    for (let run = 0; run < runs; run++) {
      const { before, after } = pairs(60, 1000 + run, 0);
      if ((pairedDiversity(before, after).pValue ?? 1) < 0.05) small++;
    }
    expect(small / runs).toBeGreaterThan(0.01);
    expect(small / runs).toBeLessThan(0.1);
  });

  test('finds refined texts that became more alike', () => {
    const { before, after } = pairs(100, 7, 1);
    const found = pairedDiversity(before, after);
    expect(found.difference).toBeGreaterThan(0.1);
    expect(found.pValue).toBeLessThan(1e-4);
  });

  test('says so where it cannot know: few pairs, or none that differ', () => {
    const { before } = pairs(10, 3, 0);
    const unchanged = pairedDiversity(before, before);
    expect(unchanged).toMatchObject({ difference: 0, standardError: 0, pValue: null });
    expect(unchanged.cosine).toBeCloseTo(1, 6);
    const { before: two, after } = pairs(2, 3, 0);
    expect(pairedDiversity(two, after)).toMatchObject({ pairs: 2, standardError: null, pValue: null });
    const one = pairs(1, 3, 0);
    expect(pairedDiversity(one.before, one.after)).toMatchObject({ pairs: 1, before: 0, after: 0, difference: 0 });
    expect(() => pairedDiversity(before, two)).toThrow('points: expected pairs, got 10 x 8 and 2 x 8');
  });
});

/** Pairs that differ by noise; `pull` draws the second of each to one common direction. */
function pairs(size: number, seed: number, pull: number): { readonly before: Points; readonly after: Points } {
  const random = randomFrom(seed);
  const draw = () => Float64Array.from({ length: dimensions }, () => random.gaussian());
  // both sides are a common text with noise of the same kind, so that neither is more alike
  const common = Array.from({ length: size }, draw);
  const noisy = (towards: number) =>
    stack(common.map((text) => unit(text.map((x, i) => x + 0.5 * random.gaussian() + (i === 0 ? 1.5 + towards : 0)))));
  return { before: noisy(0), after: noisy(pull) };
}

function unit(vector: Float64Array): Float64Array {
  const norm = Math.hypot(...vector);
  return vector.map((x) => x / norm);
}

function meanCosine(points: Points, rows: readonly number[]): number {
  const cosines = rows.flatMap((a, i) => rows.slice(i + 1).map((b) => cosine(points, a, points, b)));
  return cosines.reduce((sum, x) => sum + x, 0) / cosines.length;
}

function cosine(a: Points, i: number, b: Points, j: number): number {
  let dot = 0;
  for (let k = 0; k < dimensions; k++) dot += (a.data[i * dimensions + k] ?? 0) * (b.data[j * dimensions + k] ?? 0);
  return dot;
}
