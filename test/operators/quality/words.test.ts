import { expect, test } from 'vitest';
import { wordGrams, wordsOf } from '../../../operators/quality/words.js';

test('words are lower-case letters and digits, whatever is between them', () => {
  expect(wordsOf('Hi, Ann!\n It’s ＦＵＬＬ — 3 cafés.')).toEqual(['hi', 'ann', 'it', 's', 'full', '3', 'cafés']);
  expect(wordsOf(' ... ')).toEqual([]);
});

test('grams are the distinct runs of five words; a shorter text is one', () => {
  expect([...wordGrams(['a', 'b', 'c', 'd', 'e', 'f'])]).toEqual(['a b c d e', 'b c d e f']);
  expect([...wordGrams(['a', 'b'])]).toEqual(['a b']);
  expect([...wordGrams(['a', 'a', 'a'], 2)]).toEqual(['a a']);
  expect([...wordGrams([])]).toEqual([]);
});
