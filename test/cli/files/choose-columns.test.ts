import { expect, test } from 'vitest';

import { chooseColumns, namedColumns, textFields } from '../../../cli/files/choose-columns.js';
import type { Table } from '../../../streams/inputs/table.js';

type Holds = Table['columns'][number]['holds'];

function table(name: string, columns: Readonly<Record<string, Holds>>, isPlainText = false): Table {
  return {
    name,
    isPlainText,
    columns: Object.entries(columns).map(([name, holds]) => ({ name, holds })),
    rows: async function* () {},
  };
}

const mails = table('mails.jsonl', { id: 'text', subject: 'text', body: 'text', folder: 'text', v: 'vector' });

test('the column of labels is left out of what is embedded, but where it is named or alone', () => {
  expect(chooseColumns([mails], { by: 'folder' }).fields).toEqual(['subject', 'body']);
  expect(chooseColumns([mails], { by: 'folder', fields: ['folder'] }).fields).toEqual(['folder']);
  expect(chooseColumns([table('a.jsonl', { topic: 'text' })], { by: 'topic' }).fields).toEqual(['topic']);
  expect(textFields([table('a.jsonl', { text: 'text', body: 'text' })], 'text')).toEqual(['body']);
});

test('a column of labels that is not there', () => {
  expect(() => chooseColumns([table('a.jsonl', { text: 'text' })], { by: 'kind' })).toThrow(
    "a.jsonl has no column 'kind' for --by: it has text; name one of them, or leave --by out",
  );
  expect(() => chooseColumns([table('a.txt', { text: 'text' }, true)], { by: 'kind' })).toThrow(
    "a.txt has no column 'kind' for --by: it is plain text; leave --by out",
  );
});

test('nothing to embed is said of one file and of two, with vectors where these have some', () => {
  const [a, b] = [table('a.jsonl', { v: 'vector' }), table('b.jsonl', { n: 'other' })];
  expect(() => chooseColumns([a], {})).toThrow(
    'there is no text field to embed: a.jsonl has v. Name one with --field, or a column of vectors with --vectors',
  );
  expect(() => chooseColumns([a, b], {})).toThrow(
    'the files have no text field in common: a.jsonl has v; b.jsonl has n. Name one with --field',
  );
});

test('bytes are no list of numbers, even where there are as many as numbers', () => {
  expect(() => chooseColumns([table('a.arrow', { raw: 'bytes', v: 'vector' })], { vectors: 'raw' })).toThrow(
    "a.arrow has bytes in 'raw', not lists of numbers: vectors are in v; name one with --vectors",
  );
});

test('plain text has no columns; of standard input it is said what would have some', () => {
  const [lines, piped] = [table('a.txt', { text: 'text' }, true), table('-', { text: 'text' }, true)];
  expect(() => chooseColumns([lines], { vectors: 'v' })).toThrow(
    "a.txt has no column 'v': it is plain text; leave --vectors out to embed the lines",
  );
  const why =
    'it is read as plain text, since it is neither JSON lines nor a JSON array, and its first line is no CSV or TSV header with';
  expect(() => chooseColumns([piped], { vectors: 'v' })).toThrow(
    `standard input has no column 'v': ${why} 'v'; leave --vectors out to embed the lines`,
  );
  expect(() => chooseColumns([piped], { by: 'kind' })).toThrow(
    `standard input has no column 'kind' for --by: ${why} 'kind'; leave --by out`,
  );
  expect(() => chooseColumns([table('-', { text: 'text' })], { by: 'kind' })).toThrow(
    "standard input has no column 'kind' for --by: it has text; name one of them, or leave --by out",
  );
});

test('the columns that are named', () => {
  expect(namedColumns({ fields: ['a', 'b'], vectors: 'v', by: 'kind' })).toEqual(['a', 'b', 'v', 'kind']);
  expect(namedColumns({})).toEqual([]);
});
