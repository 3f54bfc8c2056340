import { expect, test } from 'vitest';

import { comparedLine } from '../../../cli/compare/render-comparison.js';
import { choiceLine, skippedLines } from '../../../cli/files/file-text.js';

test('what was chosen is said in the words of the command', () => {
  const found = { fields: ['subject', 'body'], vectors: null, found: true };
  expect(choiceLine('aligning by', found, [])).toBe('aligning by the fields subject, body (choose with --field)');
  expect(choiceLine('exploring', { fields: [], vectors: 'v', found: false }, ['a.txt', '-'])).toBe(
    'vectors from v; a.txt is plain text: a line is a record; standard input is plain text: a line is a record (for CSV or TSV, name a column of its header, such as by --field)',
  );
  expect(choiceLine('exploring', { ...found, found: false }, [])).toBe('');
  expect(comparedLine({ fields: [], vectors: 'v', found: true }, [])).toBe(
    'no text field in common: figures of texts are left out (name one with --field); vectors from v',
  );
});

test('what was left out of a file stands under it', () => {
  const first = [{ place: 'a.jsonl:3', reason: 'text-empty', message: 'its text is empty' }];
  expect(skippedLines({ count: 2, reasons: { 'text-empty': 1, 'no-words': 1 }, first }, 4, 2)).toEqual([
    '  2 skipped: text-empty 1, no-words 1',
    '    a.jsonl:3: its text is empty',
    '  4 vectors were scaled to unit norm',
  ]);
  expect(skippedLines({ count: 0, reasons: {}, first: [] }, 0, 2)).toEqual([]);
});
