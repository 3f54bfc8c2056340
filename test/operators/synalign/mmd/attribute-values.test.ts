import fc from 'fast-check';
import { expect, test } from 'vitest';

import { FeatureSum } from '../../../../operators/kernels/mmd/feature-sum.js';
import { AttributeValues } from '../../../../operators/synalign/mmd/attribute-values.js';

const capacity = 9;
type Attributes = readonly { readonly name: string; readonly value: string }[];

const attributes: fc.Arbitrary<Attributes> = fc
  .uniqueArray(fc.constantFrom('tone', 'topic', 'style'), { maxLength: 3 })
  .chain((names) =>
    fc.tuple(...names.map((name) => fc.record({ name: fc.constant(name), value: fc.constantFrom('a', 'b') }))),
  );

test('sums by value are those of the samples inside, whatever came and went, and whenever features came', () => {
  fc.assert(
    fc.property(fc.array(attributes, { maxLength: 60 }), fc.nat(60), (samples, known) => {
      const slots = new Map<number, { readonly attributes: Attributes; readonly features: Float64Array }>();
      let hasFeatures = false;
      const values = new AttributeValues(capacity, (slot) => (hasFeatures ? slots.get(slot)?.features : undefined));
      for (const [n, sample] of samples.entries()) {
        if (n === known) {
          hasFeatures = true;
          values.rebuild();
        }
        const slot = n % capacity;
        values.leave(slot);
        slots.set(slot, { attributes: sample, features: Float64Array.of(Math.cos(n), Math.sin(n)) });
        values.enter(slot, sample);
      }
      const expected = new Map<string, FeatureSum>();
      for (const { attributes, features } of slots.values()) {
        for (const { name, value } of attributes) {
          const sum = expected.get(`${name} ${value}`) ?? new FeatureSum(1);
          sum.add(features);
          expected.set(`${name} ${value}`, sum);
        }
      }
      const enough = [...expected]
        .filter(([, sum]) => hasFeatures && sum.size >= 4)
        .map(([key, sum]) => [key, sum.values]);
      const followed = Array.from(
        values.followed(),
        ({ name, value, sum }) => [`${name} ${value}`, sum.values] as const,
      );
      expect(new Map(followed)).toEqual(new Map(enough.map(([key, sum]) => [key, sum])));
    }),
    { numRuns: 500 },
  );
});

test('an attribute that a sample lists twice counts once', () => {
  let hasFeatures = false;
  const values = new AttributeValues(capacity, () => (hasFeatures ? Float64Array.of(1, 0) : undefined));
  const twice = { name: 'tone', value: 'calm' };
  for (let slot = 0; slot < 6; slot++) values.enter(slot, [twice, { ...twice }]);
  hasFeatures = true;
  values.rebuild();
  values.leave(0);
  values.enter(0, [twice, { ...twice }]);
  values.leave(1);
  expect(Array.from(values.followed(), ({ sum }) => [sum.size, ...sum.values])).toEqual([[5, 5, 0]]);
});

test('of a large window a value must have its share', () => {
  const values = new AttributeValues(1280, () => Float64Array.of(1, 0));
  for (let slot = 0; slot < 9; slot++) values.enter(slot, [{ name: 'tone', value: 'calm' }]);
  expect([...values.followed()]).toEqual([]);
  values.enter(9, [{ name: 'tone', value: 'calm' }]);
  expect(Array.from(values.followed(), ({ sum }) => sum.size)).toEqual([10]);
  values.leave(3);
  expect([...values.followed()]).toEqual([]);
});
