import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { apportion } from '../../../operators/kernels/apportion.js';

const shares = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });

describe('apportion', () => {
  it('gives what is left over to the first', () => {
    expect(apportion([1, 1, 1], 7)).toEqual([3, 2, 2]);
    expect(apportion([0.5, 0.5], 1)).toEqual([1, 0]);
    expect(apportion([3, 1], 400)).toEqual([300, 100]);
    expect(apportion([0.1, 0.2, 0.7], 10)).toEqual([1, 2, 7]);
    expect(apportion([0.3, 0.1], 4)).toEqual([3, 1]);
    expect(apportion([2, 0, 1], 6)).toEqual([4, 0, 2]);
    expect(apportion([1, 2], 0)).toEqual([0, 0]);
    expect(apportion([0, 0], 0)).toEqual([0, 0]);
  });

  it('adds up, and is the quota rounded up or down', () => {
    fc.assert(
      fc.property(shares, fc.nat(500), (list, total) => {
        const counts = apportion(list, total);
        const sum = list.reduce((all, share) => all + share, 0);
        expect(counts.reduce((all, count) => all + count, 0)).toBe(total);
        for (const [i, count] of counts.entries()) {
          // In whole numbers, as a slow reference.
          const exact = total * (list[i] ?? 0);
          expect(count).toBeGreaterThanOrEqual(Math.floor(exact / sum));
          expect(count).toBeLessThanOrEqual(Math.ceil(exact / sum));
        }
      }),
    );
  });

  it('never falls when the total rises', () => {
    fc.assert(
      fc.property(shares, fc.nat(200), (list, total) => {
        const before = apportion(list, total);
        const after = apportion(list, total + 1);
        expect(after.filter((count, i) => count < (before[i] ?? 0))).toEqual([]);
      }),
    );
  });

  it('does not depend on the unit of the shares', () => {
    fc.assert(
      fc.property(shares, fc.nat(300), fc.integer({ min: 1, max: 1000 }), (list, total, unit) => {
        expect(
          apportion(
            list.map((share) => share / unit),
            total,
          ),
        ).toEqual(apportion(list, total));
      }),
    );
  });

  it.each([
    [[1, -1], 3],
    [[0, 0], 1],
    [[Number.NaN], 1],
    [[Number.POSITIVE_INFINITY], 1],
    [[], 1],
    [[1], 1.5],
    [[1], -1],
  ])('refuses %j for %j', (list, total) => {
    expect(() => apportion(list, total)).toThrow(TypeError);
  });
});
