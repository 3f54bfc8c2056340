import fc from 'fast-check';
import { expect, test } from 'vitest';

import { FingerprintSet, fingerprint } from '../../../operators/quality/fingerprint-set.js';

test('behaves as a set of texts', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 })), (texts) => {
      const prints = new FingerprintSet();
      const expected = new Set<string>();
      for (const text of texts) {
        expect(prints.has(fingerprint(text))).toBe(expected.has(text));
        expect(prints.add(fingerprint(text))).toBe(!expected.has(text));
        expected.add(text);
      }
      expect(prints.size).toBe(expected.size);
      expect(new Set(prints)).toEqual(new Set([...expected].map((text) => fingerprint(text))));
    }),
  );
});

test('grows, and keeps what is asked for', () => {
  const prints = new FingerprintSet();
  for (let i = 0; i < 10_000; i++) prints.add(fingerprint(String(i)));
  expect(prints.size).toBe(10_000);
  prints.retain((print) => print < 0.5);
  const half = Array.from({ length: 10_000 }, (_, i) => fingerprint(String(i))).filter((print) => print < 0.5);
  expect(prints.size).toBe(half.length);
  expect(half.every((print) => prints.has(print))).toBe(true);
  expect(prints.has(fingerprint('10000'))).toBe(false);
});

test('a fingerprint tells where one text ends and the next begins', () => {
  expect(fingerprint('ab', 'c')).not.toBe(fingerprint('a', 'bc'));
  expect(fingerprint('')).toBeGreaterThan(0);
});
