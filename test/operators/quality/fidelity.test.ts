import { describe, expect, test } from 'vitest';

import { across, within } from '../../../operators/kernels/diversity/neighbours.js';
import type { Points } from '../../../operators/kernels/points.js';
import { randomFrom } from '../../../operators/kernels/random.js';
import { expectedCoverage, type Fidelity, fidelity } from '../../../operators/quality/fidelity.js';

const k = 5;

/** Unit vectors around these directions, each as often as the others. */
function around(angles: readonly number[], count: number, seed: number): Points {
  const random = randomFrom(seed);
  const data = Float32Array.from({ length: 2 * count }, () => 0);
  for (let i = 0; i < count; i++) {
    const angle = (angles[i % angles.length] ?? 0) + 0.05 * random.gaussian();
    data.set([Math.cos(angle), Math.sin(angle)], 2 * i);
  }
  return { data, size: count, dimensions: 2 };
}

function measured(real: Points, synthetic: Points): Fidelity {
  const [inReal, inSynthetic] = [within(real, k, 1), within(synthetic, k, 1)];
  return fidelity(across(real, synthetic, inReal.rim, inSynthetic.rim, 1), k, inReal);
}

describe('coverage, density, precision, recall', () => {
  test('a set covers itself wholly', () => {
    const real = around([0, 1, 2], 120, 1);
    expect(measured(real, real)).toMatchObject({ coverage: 1, coverageError: 0, precision: 1, recall: 1 });
  });

  test('other draws of the same distribution have the coverage that is expected, and density 1', () => {
    const rounds = Array.from({ length: 20 }, (_, i) =>
      measured(around([0, 1, 2], 300, 2 * i), around([0, 1, 2], 300, 2 * i + 1)),
    );
    const mean = (of: (one: Fidelity) => number) => rounds.reduce((sum, one) => sum + of(one), 0) / rounds.length;
    expect(mean(({ coverage }) => coverage)).toBeCloseTo(expectedCoverage(300, 300, k), 2);
    expect(mean(({ density }) => density)).toBeCloseTo(1, 1);
  });

  test('a missing kind lowers coverage and recall, not precision', () => {
    const { coverage, recall, precision } = measured(around([0, 1, 2], 300, 1), around([0, 1], 300, 2));
    expect(coverage).toBeGreaterThan(0.6);
    expect(coverage).toBeLessThan(0.68);
    expect(recall).toBeLessThan(0.72);
    expect(precision).toBeGreaterThan(0.95);
  });

  test('an invented kind lowers precision, not recall', () => {
    const { recall, precision } = measured(around([0, 1], 300, 1), around([0, 1, 2], 300, 2));
    expect(precision).toBeLessThan(0.72);
    expect(recall).toBeGreaterThan(0.95);
  });

  test('one text over and over covers next to nothing', () => {
    const real = around([0, 1, 2], 300, 1);
    const one = { data: new Float32Array(600), size: 300, dimensions: 2 };
    for (let i = 0; i < 300; i++) one.data.set(real.data.subarray(0, 2), 2 * i);
    const { coverage, precision } = measured(real, one);
    expect(coverage).toBeLessThan(0.1);
    expect(precision).toBe(1);
  });
});

describe('the coverage to expect', () => {
  test('is what Naeem et al. derive for sets of equal size: about 1 - 2^-k', () => {
    expect(expectedCoverage(1e6, 1e6, 5)).toBeCloseTo(1 - 2 ** -5, 5);
    expect(expectedCoverage(2, 1, 1)).toBeCloseTo(0.5, 12);
  });

  test('grows with the synthetic set', () => {
    expect(expectedCoverage(1000, 100, 5)).toBeLessThan(expectedCoverage(1000, 200, 5));
    expect(expectedCoverage(1000, 0, 5)).toBe(0);
  });
});
