import { describe, expect, test } from 'vitest';

import { randomFrom } from '../../../../operators/kernels/random.js';
import { type FactorRows, factorRows } from '../../../../operators/kernels/wasm/factor-rows.js';

const rows = 12;

/** Points of standard normals; every second one becomes a pivot, kernel values are exp(-d^2 / 2). */
function filled(dimensions: number, simd: boolean, precise = false): FactorRows {
  const random = randomFrom(3);
  const room = factorRows({ rows, dimensions, capacity: 6, precise }, { simd });
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < dimensions; k++) room.points[row * room.stride + k] = random.gaussian() / Math.sqrt(dimensions);
  }
  for (let pivot = 0; pivot < 6; pivot++) {
    solve(room, 2 * pivot, 0, pivot);
    room.observe(2 * pivot, 1 / Math.sqrt(1 + 1e-3 - squares(room, 2 * pivot, pivot)));
  }
  for (let row = 1; row < rows; row += 2) solve(room, row, 0, 6);
  return room;
}

function solve(room: FactorRows, row: number, from: number, to: number): void {
  room.measure(row, from, to);
  for (let j = from; j < to; j++) room.values[j] = Math.exp(-(room.values[j] ?? 0) / 2);
  room.solve(row, from, to);
}

function rowOf({ factor, capacity }: FactorRows, row: number, length: number): number[] {
  return [...factor.subarray(row * capacity, row * capacity + length)];
}

function squares(room: FactorRows, row: number, length: number): number {
  return rowOf(room, row, length).reduce((sum, value) => sum + value * value, 0);
}

/** exp(-d^2 / 2) between two points, number by number. */
function kernel({ points, stride }: FactorRows, a: number, b: number): number {
  let squared = 0;
  for (let k = 0; k < stride; k++) squared += ((points[a * stride + k] ?? 0) - (points[b * stride + k] ?? 0)) ** 2;
  return Math.exp(-squared / 2);
}

describe('factorRows', () => {
  test.each([true, false])('rows of the factor multiply to the kernel between points and pivots (simd %s)', (simd) => {
    for (const dimensions of [1, 4, 7, 32]) {
      const room = filled(dimensions, simd);
      for (let row = 1; row < rows; row += 2) {
        for (let pivot = 0; pivot < 6; pivot++) {
          const known = rowOf(room, 2 * pivot, pivot);
          const diagonal = Math.sqrt(1 + 1e-3 - squares(room, 2 * pivot, pivot));
          const own = rowOf(room, row, 6);
          const product = known.reduce((sum, value, j) => sum + value * (own[j] ?? 0), (own[pivot] ?? 0) * diagonal);
          expect(Math.abs(product - kernel(room, row, 2 * pivot))).toBeLessThan(1e-14);
        }
      }
    }
  });

  test('with SIMD and without, in one go and one by one, numbers are equal to the last bit', () => {
    for (const dimensions of [3, 8, 61]) {
      const [fast, slow] = [filled(dimensions, true), filled(dimensions, false)];
      expect([...fast.factor]).toEqual([...slow.factor]);
      for (let row = 1; row < rows; row += 2) {
        const whole = rowOf(fast, row, 6);
        for (let j = 0; j < 6; j++) solve(fast, row, j, j + 1);
        expect(rowOf(fast, row, 6)).toEqual(whole);
      }
    }
  });

  test('float64 points lose nothing', () => {
    const [single, double] = [filled(5, false), filled(5, true, true)];
    expect(double.points).toBeInstanceOf(Float64Array);
    expect([...single.points]).toEqual([...Float32Array.from(double.points)]);
    expect([...single.points]).not.toEqual([...double.points]);
  });

  test('pivots are forgotten, and there are no more than room was made for', () => {
    const room = factorRows({ rows: 2, dimensions: 1, capacity: 1 });
    expect([room.capacity, room.stride]).toEqual([8, 4]);
    for (let pivot = 0; pivot < 8; pivot++) room.observe(0, 1);
    expect(() => room.observe(1, 1)).toThrow(/room for 8 pivots/);
    room.clear();
    expect(room.size).toBe(0);
    room.observe(1, 1);
    expect(room.size).toBe(1);
  });
});
