import { expect, test } from 'vitest';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { Newma, newmaFactors } from '../../../../operators/kernels/sequential/newma.js';

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
    const gain = (factor: number) => factor * (1 - factor) ** window;
    expect(Math.abs(gain(factors.slow) - gain(factors.quick))).toBeLessThan(1e-9);
  }
});

test('the statistic is the distance of the two averages', () => {
  const factors = { quick: 0.4, slow: 0.1 };
  const newma = new Newma({ length: 2, factors });
  const items = [Float64Array.of(1, 0), Float64Array.of(0, 1), Float64Array.of(0.6, 0.8)];
  const average = (factor: number, count: number) =>
    items
      .slice(0, count)
      .reduce((mean, item) => mean.map((value, i) => value + factor * ((item[i] ?? 0) - value)), [0, 0]);
  for (const [n, item] of items.entries()) {
    const { statistic, threshold, alarm } = newma.push(item);
    const [quick, slow] = [average(factors.quick, n + 1), average(factors.slow, n + 1)];
    expect(statistic).toBeCloseTo(Math.hypot((quick[0] ?? 0) - (slow[0] ?? 0), (quick[1] ?? 0) - (slow[1] ?? 0)), 12);
    expect(alarm).toBe(statistic > threshold);
  }
});

test('a change raises the statistic well above what was usual', () => {
  const random = randomFrom(4);
  const features = randomFeatures({ dimensions: 3, frequencies: 64, bandwidth: 1, seed: 1 });
  const newma = new Newma({ length: 128, factors: newmaFactors(50) });
  const phi = new Float64Array(128);
  const push = (shift: number) => {
    features.map(
      Float32Array.from({ length: 3 }, () => random.gaussian() + shift),
      phi,
    );
    return newma.push(phi);
  };
  for (let n = 0; n < 500; n++) push(0);
  const usual = Math.max(...Array.from({ length: 500 }, () => push(0).statistic));
  const changed = Array.from({ length: 60 }, () => push(2));
  expect(Math.max(...changed.map(({ statistic }) => statistic))).toBeGreaterThan(2 * usual);
  expect(changed.some(({ alarm }) => alarm)).toBe(true);
});

test('wrong factors, windows and numbers are refused', () => {
  expect(() => newmaFactors(1)).toThrow('window: expected an integer from 2, got 1');
  expect(() => new Newma({ length: 2, factors: { quick: 0.1, slow: 0.1 } })).toThrow(
    'factors: expected 0 < slow < quick',
  );
  const newma = new Newma({ length: 2, factors: newmaFactors(10) });
  expect(() => newma.push(Float64Array.of(1, Number.NaN))).toThrow('features: expected finite numbers');
});
