import fc from 'fast-check';
import { expect, it } from 'vitest';

import { MinuteWindow } from '../../engines/minute-window.js';

const minute = 60_000;

interface Granted {
  readonly at: number;
  readonly amount: number;
}

/** Grants all amounts as soon as the window lets each, in order; `gaps` are the times between their arrivals. */
function granted(limit: number, asked: readonly (readonly [gap: number, amount: number])[]): readonly Granted[] {
  const window = new MinuteWindow(limit);
  const grants: Granted[] = [];
  let now = 0;
  for (const [gap, amount] of asked) {
    now += gap;
    for (let wait = window.wait(amount, now); wait > 0; wait = window.wait(amount, now)) now += wait;
    window.take(amount, now);
    grants.push({ at: now, amount });
  }
  return grants;
}

const asks = fc.array(fc.tuple(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 1, max: 120 })), {
  maxLength: 200,
});

it('grants no more than the limit in any minute, and what is larger than the limit alone', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), asks, (limit, asked) => {
      const grants = granted(limit, asked);
      for (const [index, { at }] of grants.entries()) {
        const within = grants.slice(index).filter((grant) => grant.at < at + minute);
        const sum = within.reduce((total, { amount }) => total + amount, 0);
        expect(sum <= limit || within.length === 1).toBe(true);
      }
    }),
  );
});

it('wastes less than half a second of a minute when more is asked than the limit lets in', () => {
  const grants = granted(
    60,
    Array.from({ length: 600 }, () => [0, 1] as const),
  );
  expect(grants.at(-1)?.at).toBeLessThan(9 * minute + 9 * 500);
  expect(grants.at(-1)?.at).toBeGreaterThanOrEqual(9 * minute);
});

it('lets more in once an amount is corrected downwards, and less once upwards', () => {
  const window = new MinuteWindow(100);
  const grant = window.take(90, 0);
  expect(window.wait(20, 1000)).toBe(minute - 1000);
  grant.correct(30);
  expect(window.wait(20, 1000)).toBe(0);
  grant.correct(95);
  expect(window.wait(20, 1000)).toBe(minute - 1000);
});

it('is not confused by a correction that comes after the minute', () => {
  const window = new MinuteWindow(100);
  const grant = window.take(90, 0);
  expect(window.wait(100, minute)).toBe(0);
  window.take(50, minute);
  grant.correct(5);
  expect(window.wait(60, minute + 1)).toBeGreaterThan(0);
  expect(window.wait(50, minute + 1)).toBe(0);
});

it.each([0, -1, Number.NaN])('refuses a limit of %s', (limit) => {
  expect(() => new MinuteWindow(limit)).toThrow(TypeError);
});
