import { expect, it } from 'vitest';

import { resamples, spreadAround, wholeShare } from '../../../operators/kernels/bootstrap.js';

it('draws as many records as there are, each equally often, the same for the same seed', () => {
  const sums = new Float64Array(5);
  const drawn: string[] = [];
  for (const counts of resamples(5, 4000, 3)) {
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(5);
    for (const [i, n] of counts.entries()) sums[i] = (sums[i] ?? 0) + n;
    if (drawn.length < 20) drawn.push(counts.join());
  }
  for (const sum of sums) expect(Math.abs(sum - 4000)).toBeLessThan(300);
  expect([...resamples(5, 20, 3)].length).toBe(20);
  const again: string[] = [];
  for (const counts of resamples(5, 20, 3)) again.push(counts.join());
  expect(again).toEqual(drawn);
});

it('lays the spread of the resamples around the figure, whatever shifts them', () => {
  const values = Array.from({ length: 1001 }, (_, i) => i / 1000);
  expect(spreadAround(10, values)).toEqual({ low: expect.closeTo(9.525, 6), high: expect.closeTo(10.475, 6) });
  expect(
    spreadAround(
      10,
      values.map((value) => value + 5),
    ),
  ).toEqual({
    low: expect.closeTo(9.525, 6),
    high: expect.closeTo(10.475, 6),
  });
});

it('is cut off where a figure cannot be', () => {
  const values = Array.from({ length: 1001 }, (_, i) => i / 1000);
  expect(spreadAround(0.2, values, wholeShare)).toEqual({ low: 0, high: expect.closeTo(0.675, 6) });
  expect(spreadAround(0.9, values, wholeShare)).toEqual({ low: expect.closeTo(0.425, 6), high: 1 });
});

it('is silent about few resamples', () => {
  expect(
    spreadAround(
      1,
      Array.from({ length: 99 }, () => 1),
    ),
  ).toBeNull();
});
