import { describe, expect, test } from 'vitest';

import { PivotedCholesky } from '../../../../operators/kernels/gaussian-process/pivoted-cholesky.js';
import type { Points } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

const size = 60;

function gaussians(dimensions: number, seed: number): Points {
  const random = randomFrom(seed);
  return { data: Float32Array.from({ length: size * dimensions }, () => random.gaussian()), size, dimensions };
}

function make(points: Points, options: { simd?: boolean; capacity?: number } = {}): PivotedCholesky {
  const rows = Uint32Array.from({ length: size }, (_, row) => row);
  return new PivotedCholesky({ points, rows, bandwidth: 2, jitter: 1e-10, capacity: 64, ...options });
}

describe('PivotedCholesky', () => {
  test('rows that lag behind have bounds above, and catch up to the last bit, in whatever order and room', () => {
    const points = gaussians(6, 1);
    const random = randomFrom(2);
    const eager = make(points);
    const others = [make(points), make(points, { capacity: 1 }), make(points, { simd: false, capacity: 20 })];
    for (let pick = 0; pick < 40; pick++) {
      const at = (pick * 7) % size;
      const variance = eager.observe(at);
      eager.settle();
      for (const lazy of others) {
        expect(lazy.observe(at)).toBe(variance);
        const row = random.below(size);
        expect(lazy.catchUp(row)).toBe(eager.bounds[row]);
        for (const [i, bound] of lazy.bounds.entries()) expect(bound).toBeGreaterThanOrEqual(eager.bounds[i] ?? 0);
      }
    }
    for (const lazy of others) {
      expect(lazy.column(39)).toEqual(eager.column(39));
      expect(lazy.bounds).toEqual(eager.bounds);
    }
  });

  test('a row catches up no further than its bound is of use', () => {
    const lazy = make(gaussians(2, 3));
    for (let at = 0; at < 30; at++) lazy.observe(at);
    const early = lazy.catchUp(40, 0.999);
    expect(early).toBeLessThan(0.999);
    const whole = lazy.catchUp(40);
    expect(whole).toBeLessThan(early);
    expect(lazy.catchUp(40)).toBe(whole);
  });
});
