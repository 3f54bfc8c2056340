import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { withoutCopies } from '../../../../operators/synalign/reason/leak.js';

const source = 'Shall we meet at noon by the river? The place has soup again, and I am hungry.';

describe('what copies a source', () => {
  test.each([
    ['a description', 'a friendly invitation to lunch', 'a friendly invitation to lunch'],
    ['as many words as are allowed', 'says: meet at noon', 'says: meet at noon'],
    ['one word more', 'meet at noon by', ''],
    ['a copy behind a description', 'An invitation: "we meet at noon by the river"', 'An invitation'],
    ['another case and punctuation', 'warm; MEET, at -- Noon... BY the', 'warm'],
    ['a copy in brackets', 'warm (the place has soup again), brief', 'warm'],
    ['the same words in another order', 'noon at meet the by river we', 'noon at meet the by river we'],
    ['parts of words', 'shallow e meet at noo', 'shallow e meet at noo'],
  ])('%s', (_, text, left) => {
    expect(withoutCopies(['Something else.', source], 3)(text)).toBe(left);
  });

  test('a source shorter than that cannot be copied', () => {
    expect(withoutCopies(['Meet at noon'], 3)('Meet at noon')).toBe('Meet at noon');
    expect(withoutCopies([''], 3)('')).toBe('');
    expect(withoutCopies([], 1)('anything at all')).toBe('anything at all');
  });

  test('a character of a script without spaces is half a word', () => {
    const copy = withoutCopies(['我们中午在河边见面吧，那里又有汤了。'], 3);
    expect(copy('邀请：我们中午在河边')).toBe('邀请');
    expect(copy('中午在河边的邀请')).toBe('中午在河边的邀请');
    expect(copy('口吻友好的短信')).toBe('口吻友好的短信');
  });

  test('no run that is longer than allowed is left, whatever the texts', () => {
    const word = fc.constantFrom('a', 'b', 'c');
    const text = fc.array(word, { maxLength: 30 });
    fc.assert(
      fc.property(text, text, fc.integer({ min: 1, max: 5 }), (from, value, most) => {
        const left = withoutCopies([from.join(' ')], most)(value.join(' '));
        const words = left === '' ? [] : left.split(' ');
        expect(words).toEqual(value.slice(0, words.length));
        const isCopied = (start: number, length: number) =>
          from.some((_, at) => words.slice(start, start + length).every((each, n) => each === from[at + n]));
        for (let start = 0; start + most < words.length; start++) expect(isCopied(start, most + 1)).toBe(false);
        // what was cut away began with a copy
        if (words.length < value.length) {
          const run = value.slice(words.length, words.length + most + 1);
          expect(from.some((_, at) => run.every((each, n) => each === from[at + n]))).toBe(true);
        }
      }),
    );
  });

  test('sources of 64,000 characters take no noticeable time', () => {
    const long = Array.from({ length: 20 }, (_, n) => `word${n} `.repeat(9000));
    const started = performance.now();
    expect(withoutCopies(long, 6)('word3 '.repeat(33).trim())).toBe('');
    expect(withoutCopies(long, 6)('other '.repeat(33).trim())).toHaveLength(33 * 6 - 1);
    expect(performance.now() - started).toBeLessThan(1500);
  });
});
