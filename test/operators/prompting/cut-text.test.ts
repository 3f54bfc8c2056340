import fc from 'fast-check';
import { expect, test } from 'vitest';

import { cutText } from '../../../operators/prompting/cut-text.js';

test.each([
  ['as it is, where it fits', 'One. Two.', 9, 'One. Two.'],
  ['behind a sentence', 'One is here. Two is there. Three is', 30, 'One is here. Two is there.'],
  ['behind what closes it', 'He said "Go now." Then he went away at once', 25, 'He said "Go now."'],
  ['behind a line', 'first line\nsecond line without an end', 18, 'first line'],
  ['behind a sentence without spaces', '今日は晴れです。明日は雨でしょう', 12, '今日は晴れです。'],
  ['where a sentence ends just there', 'One is here. Two', 12, 'One is here.'],
  [
    'between words, where no sentence ends in the second half',
    'No. And then words go on and on',
    20,
    'No. And then words',
  ],
  ['not within a number', 'The price was 3.1415 dollars', 17, 'The price was'],
  ['not within a surrogate pair', `${'a'.repeat(5)}😀😀`, 6, 'aaaaa'],
  ['not within a joined character', `${'a'.repeat(4)}👩‍👩‍👧‍👦`, 8, 'aaaa'],
  ['not between a letter and its accent', 'cafe\u0301s', 4, 'caf'],
])('%s', (_, text, limit, cut) => {
  expect(cutText(text, limit)).toBe(cut);
});

test('a beginning of the text within the limit, and well-formed where the text is', () => {
  const texts = fc.string({ unit: 'grapheme', maxLength: 400 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 300 }), (text, limit) => {
      const cut = cutText(text, limit);
      expect(cut.length).toBeLessThanOrEqual(limit);
      expect(text.startsWith(cut)).toBe(true);
      if (text.length <= limit) expect(cut).toBe(text);
      expect(/[\ud800-\udbff]$/.test(cut)).toBe(false);
    }),
  );
});

test('a million characters of one letter in no time', () => {
  expect(cutText('a'.repeat(1_000_000), 8000)).toHaveLength(8000);
});
