import { expect, test } from 'vitest';
import { newmaFactors } from '../../../../operators/kernels/sequential/newma-factors.js';

test('T16: the factors of a window keep the identity, and are the published ones', () => {
  for (const [window, quick, slow] of [
    [20, 0.087171, 0.021905],
    [50, 0.03363, 0.010101],
    [100, 0.016103, 0.00553],
    [250, 0.006056, 0.002447],
  ] as const) {
    const factors = newmaFactors(window);
    expect(Math.abs(factors.quick - quick)).toBeLessThan(1e-6);
    expect(Math.abs(factors.slow - slow)).toBeLessThan(1e-6);
  }
});

test('T16: at every window from 2 the averages differ most by what the window has brought', () => {
  for (const window of [2, 3, 8, 64, 1000, 10_000]) {
    const { quick, slow } = newmaFactors(window);
    const gain = (factor: number) => factor * (1 - factor) ** window;
    expect(Math.abs(gain(slow) - gain(quick))).toBeLessThan(1e-9);
    expect(slow).toBeGreaterThan(0);
    expect(quick).toBeGreaterThan(1 / (window + 1));
    expect(slow).toBeLessThan(1 / (window + 1));
    // the weight of an item in the quick average is above that in the slow one up to the age of the window
    const weight = (factor: number, age: number) => factor * (1 - factor) ** age;
    expect(weight(quick, window - 1)).toBeGreaterThan(weight(slow, window - 1));
    expect(weight(quick, window + 1)).toBeLessThan(weight(slow, window + 1));
  }
});

test('windows below 2 and broken ones are refused', () => {
  expect(() => newmaFactors(1)).toThrow('window: expected an integer from 2, got 1');
  expect(() => newmaFactors(2.5)).toThrow('window: expected an integer from 2, got 2.5');
});
