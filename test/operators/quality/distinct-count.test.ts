import { expect, test } from 'vitest';

import { DistinctCount } from '../../../operators/quality/distinct-count.js';
import { fingerprint } from '../../../operators/quality/fingerprint-set.js';

test('is exact up to its limit, however often each comes', () => {
  const count = new DistinctCount(500);
  for (let round = 0; round < 3; round++) for (let i = 0; i < 500; i++) count.add(fingerprint(String(i)));
  expect(count.value).toBe(500);
  expect(count.isExact).toBe(true);
});

test('beyond it, an estimate without bias and with the error that it states', () => {
  const [limit, distinct, rounds] = [256, 5000, 60];
  const errors: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const count = new DistinctCount(limit);
    for (let i = 0; i < 2 * distinct; i++) count.add(fingerprint(String(round), String(i % distinct)));
    expect(count.isExact).toBe(false);
    errors.push(count.value / distinct - 1);
  }
  const mean = errors.reduce((sum, error) => sum + error, 0) / rounds;
  const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / rounds);
  const stated = 1.2 / Math.sqrt(limit);
  expect(Math.abs(mean)).toBeLessThan((4 * stated) / Math.sqrt(rounds));
  expect(deviation).toBeLessThan(1.4 * stated);
});

test('refuses a limit of none', () => {
  expect(() => new DistinctCount(0)).toThrow('limit: expected an integer from 1');
});
