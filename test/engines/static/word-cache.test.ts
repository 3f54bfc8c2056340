import fc from 'fast-check';
import { expect, test } from 'vitest';

import { WordCache } from '../../../engines/static/word-cache.js';

test('keeps the last words, forgets the oldest, and stays within its bound', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.integer({ min: 0, max: 20 })), (capacity, numbers) => {
      const cache = new WordCache(capacity);
      numbers.forEach((number, i) => {
        const found = cache.get(`word ${number}`);
        const since = numbers.slice(numbers.lastIndexOf(number, i - 1) + 1, i);
        const met = i > 0 && numbers.slice(0, i).includes(number);
        if (met && new Set(since).size < capacity) expect(found).toEqual([number]);
        if (found === undefined) cache.set(`word ${number}`, [number]);
        else expect(found).toEqual([number]);
        expect(cache.size).toBeLessThanOrEqual(2 * capacity);
      });
    }),
  );
});

test('keeps half of a surrogate pair as it is', () => {
  const cache = new WordCache(2);
  cache.set('\ud83d', [1]);
  cache.set('\ufffd', [2]);
  expect(cache.get('\ud83d')).toEqual([1]);
});
