import fc from 'fast-check';
import { expect, it } from 'vitest';

import { Failure } from '../../../engines/openai/failure.js';
import { retryAfterMs } from '../../../engines/openai/retry-after.js';
import { retryDelay } from '../../../engines/openai/retry-delay.js';

const passing = new Failure('endpoint-unreachable', 'busy', true, 503);
const uniform = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

it('doubles from half a second to a minute, the upper half of each step random', () => {
  const least = Array.from({ length: 10 }, (_, failed) => retryDelay(passing, failed, 99, () => 0));
  expect(least).toEqual([250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  fc.assert(
    fc.property(fc.nat(50), uniform, (failed, random) => {
      const delay = retryDelay(passing, failed, 99, () => random) ?? 0;
      const step = Math.min(60_000, 500 * 2 ** failed);
      return delay >= step / 2 && delay <= step;
    }),
  );
});

it('outlasts a minute with eight retries, however the dice fall', () => {
  const least = Array.from({ length: 8 }, (_, failed) => retryDelay(passing, failed, 8, () => 0) ?? 0);
  expect(least.reduce((sum, delay) => sum + delay)).toBeGreaterThan(60_000);
});

it('ends after the retries, and at once where another try cannot help', () => {
  expect(retryDelay(passing, 8, 8, Math.random)).toBeUndefined();
  expect(retryDelay(passing, 0, 0, Math.random)).toBeUndefined();
  expect(retryDelay(new Failure('endpoint-refused', 'no', false, 400), 0, 8, Math.random)).toBeUndefined();
});

it('never comes before the server wants it, up to five minutes', () => {
  fc.assert(
    fc.property(fc.nat(8), uniform, fc.nat(1_000_000), (failed, random, asked) => {
      const delay =
        retryDelay(new Failure('endpoint-unreachable', 'busy', true, 429, asked), failed, 99, () => random) ?? 0;
      return delay >= Math.min(asked, 300_000) && delay <= 330_000;
    }),
  );
});

it('reads seconds and HTTP dates', () => {
  const now = Date.UTC(2026, 0, 1);
  expect(retryAfterMs({ 'retry-after': '3' }, now)).toBe(3000);
  expect(retryAfterMs({ 'retry-after': ' 0.5 ' }, now)).toBe(500);
  expect(retryAfterMs({ 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' }, now)).toBe(60_000);
  expect(retryAfterMs({ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, now)).toBe(0);
  expect(retryAfterMs({ 'retry-after': 'soon' }, now)).toBeUndefined();
  expect(retryAfterMs({}, now)).toBeUndefined();
  expect(retryAfterMs({ 'retry-after-ms': '602', 'retry-after': '1' }, now)).toBe(602);
  expect(retryAfterMs({ 'retry-after-ms': 'soon', 'retry-after': '1' }, now)).toBe(1000);
});
