import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Newest } from '../../../operators/quality/newest.js';

test('keeps the newest texts, as a plain list does, also after a restart', () => {
  const texts = fc.array(fc.nat(12).map(String), { maxLength: 60 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 8 }), fc.nat(60), (added, capacity, restart) => {
      let newest = new Newest(capacity);
      let list: string[] = [];
      const memory = new Map<string, number>();
      for (const [at, text] of added.entries()) {
        if (at === restart) newest = new Newest(capacity, [...memory].reverse());
        expect(newest.has(text)).toBe(list.includes(text));
        if (newest.has(text)) continue;
        const { number, removed } = newest.add(text);
        list.push(text);
        expect(removed).toEqual(list.slice(0, Math.max(0, list.length - capacity)));
        list = list.slice(-capacity);
        memory.set(text, number);
        for (const old of removed) memory.delete(old);
        expect([...memory.keys()].sort()).toEqual([...list].sort());
        expect(newest.size).toBe(list.length);
      }
    }),
  );
});

test('a smaller capacity after a restart takes effect at the next text', () => {
  const newest = new Newest(
    2,
    ['a', 'b', 'c', 'd'].map((text, number) => [text, number] as const),
  );
  expect(newest.add('e')).toEqual({ number: 4, removed: ['a', 'b', 'c'] });
  expect(newest.size).toBe(2);
});

test('adding costs the same however many have left', () => {
  const newest = new Newest(50_000);
  for (let n = 0; n < 400_000; n += 1) newest.add(String(n));
  expect(newest.size).toBe(50_000);
  expect(newest.has('349999')).toBe(false);
  expect(newest.has('350000')).toBe(true);
});
