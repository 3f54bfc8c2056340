import { expect, test } from 'vitest';

import { Reservoir } from '../../../operators/kernels/reservoir.js';

function filled(count: number, size: number, seed: number): readonly number[] {
  const reservoir = new Reservoir(2, size, seed);
  for (let i = 0; i < count; i++) reservoir.add(Float32Array.of(i, i + 0.5));
  const { data, size: kept, dimensions } = reservoir.points;
  expect(data).toHaveLength(kept * dimensions);
  return Array.from({ length: kept }, (_, row) => {
    expect(data[2 * row + 1]).toBe((data[2 * row] ?? 0) + 0.5);
    return data[2 * row] ?? Number.NaN;
  });
}

test('keeps all vectors in their order while there is room, across growth', () => {
  expect(filled(0, 5, 1)).toEqual([]);
  expect(filled(1000, 1000, 1)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
});

test('keeps as many different ones as it may, the same for the same seed', () => {
  const kept = filled(3000, 700, 4);
  expect(new Set(kept).size).toBe(700);
  expect(filled(3000, 700, 4)).toEqual(kept);
  expect(filled(3000, 700, 5)).not.toEqual(kept);
});

test('every vector stays with the same chance', () => {
  const counts = new Float64Array(40);
  const rounds = 4000;
  for (let seed = 0; seed < rounds; seed++) for (const i of filled(40, 10, seed)) counts[i] = (counts[i] ?? 0) + 1;
  const expected = rounds / 4;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / (expected * 0.75), 0);
  // 39 degrees of freedom: above 72.1 in one of a thousand
  expect(chiSquare).toBeLessThan(72.1);
});

test('refuses vectors of another length and a size of none', () => {
  expect(() => new Reservoir(2, 0, 1)).toThrow('size: expected an integer from 1');
  expect(() => new Reservoir(2, 3, 1).add(Float32Array.of(1))).toThrow('expected 2 numbers, got 1');
});
