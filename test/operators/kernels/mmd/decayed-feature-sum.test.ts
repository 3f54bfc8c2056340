import fc from 'fast-check';
import { expect, test } from 'vitest';

import { DecayedFeatureSum } from '../../../../operators/kernels/mmd/decayed-feature-sum.js';
import { leadingFeatures } from '../../../../operators/kernels/mmd/leading-features.js';

const item = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 });

test('T6: a decayed sum is the weighted sum of its items, also after a removal, a merge and a rebuild', () => {
  fc.assert(
    fc.property(
      fc.array(item, { minLength: 1, maxLength: 30 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (items, keep) => {
        const sum = new DecayedFeatureSum(3);
        const merged = new DecayedFeatureSum(3);
        const [even, odd] = [new DecayedFeatureSum(3), new DecayedFeatureSum(3)];
        for (const [n, values] of items.entries()) {
          for (const each of [sum, even, odd]) each.decay(keep);
          for (const each of [sum, n % 2 === 0 ? even : odd]) each.add(Float64Array.from(values));
        }
        merged.merge(even);
        merged.merge(odd);
        const weightOf = (n: number) => keep ** (items.length - 1 - n);
        const expected = [0, 1, 2].map((i) =>
          items.reduce((total, values, n) => total + weightOf(n) * (values[i] ?? 0), 0),
        );
        for (const [i, value] of expected.entries()) {
          expect(Math.abs((sum.values[i] ?? 9) - value)).toBeLessThan(1e-12);
          expect(Math.abs((merged.values[i] ?? 9) - value)).toBeLessThan(1e-12);
        }
        const rebuilt = new DecayedFeatureSum(3);
        rebuilt.rebuild(
          items.map((values) => Float64Array.from(values)),
          keep,
        );
        expect(rebuilt.values).toEqual(sum.values);
        expect(rebuilt.weight).toBeCloseTo(
          items.reduce((total, _, n) => total + weightOf(n), 0),
          12,
        );
        const [first = []] = items;
        const before = sum.values.slice();
        sum.add(Float64Array.from(first), 0.25);
        sum.remove(Float64Array.from(first), 0.25);
        for (const [i, value] of before.entries()) expect(Math.abs((sum.values[i] ?? 9) - value)).toBeLessThan(1e-9);
      },
    ),
  );
});

test('wrong lengths and shares are refused', () => {
  const sum = new DecayedFeatureSum(2);
  expect(() => sum.add(new Float64Array(3))).toThrow('features: expected 2 numbers, got 3');
  expect(() => sum.merge(new DecayedFeatureSum(4))).toThrow('features: expected 2 numbers, got 4');
  expect(() => sum.decay(1.1)).toThrow('keep: expected a number from 0 to 1, got 1.1');
  expect(() => leadingFeatures(new Float64Array(4), new Float64Array(6))).toThrow(
    'into: expected at most 4 numbers, got 6',
  );
});
