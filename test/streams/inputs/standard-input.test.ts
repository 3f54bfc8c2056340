import { Readable } from 'node:stream';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { openTable } from '../../../streams/inputs/open-table.js';

/** In pieces of so many bytes. */
async function rowsOf(content: string, columns?: readonly string[], pieces = 1000) {
  const bytes = Buffer.from(content);
  const count = Math.ceil(bytes.length / pieces);
  const stdin = Readable.from(Array.from({ length: count }, (_, i) => bytes.subarray(i * pieces, (i + 1) * pieces)));
  const table = await openTable('-', { base: '/', stdin, ...(columns && { columns }) });
  const rows: unknown[] = [];
  for await (const { entry } of table.rows(columns ?? ['text']))
    rows.push(entry.kind === 'value' ? entry.value : entry.kind);
  return { rows, isPlainText: table.isPlainText, columns: table.columns };
}

const lines = 'one, or so\n"two" and\tthree\n';
const asText = { rows: [{ text: 'one, or so' }, { text: '"two" and\tthree' }], isPlainText: true };

describe('a header that has a named column', () => {
  test.each([
    ['CSV', 'id,text,v\n1,"one, or so","[1, 2]"\n2,two,"[3, 4]"\n'],
    ['TSV', 'id\ttext\tv\n1\tone, or so\t[1, 2]\n2\ttwo\t[3, 4]\n'],
    [
      'CSV with quoted names, a byte order mark, blank lines and CRLF',
      '\ufeff\r\n\r\n"id","text","v"\r\n1,"one, or so","[1, 2]"\r\n2,two,"[3, 4]"',
    ],
  ])('makes it %s, in whatever pieces it comes', async (_, content) => {
    for (const pieces of [1, 7, 1000]) {
      const { rows, isPlainText, columns } = await rowsOf(content, ['nothing', 'v'], pieces);
      expect(rows).toEqual([
        { id: '1', text: 'one, or so', v: '[1, 2]' },
        { id: '2', text: 'two', v: '[3, 4]' },
      ]);
      expect(isPlainText).toBe(false);
      expect(columns).toContainEqual({ name: 'v', holds: 'vector' });
    }
  });

  test('of one column lets the commas of its lines be', async () => {
    const { rows } = await rowsOf('text\none, or so\n"two, quoted"\n', ['text']);
    expect(rows).toEqual([{ text: 'one, or so' }, { text: 'two, quoted' }]);
  });
});

describe('plain text', () => {
  test('with commas, tabs and quotes stays plain text, whatever columns are named', async () => {
    for (const columns of [undefined, [], ['v'], ['one', 'or so', 'three']]) {
      expect(await rowsOf(lines, columns)).toMatchObject(asText);
    }
    expect((await rowsOf('text, and what it says\nmore\n', ['text'])).isPlainText).toBe(true);
    expect((await rowsOf('"an open quote, text\nmore\n', ['text'])).isPlainText).toBe(true);
  });

  test('a header without a named column is a line', async () => {
    expect((await rowsOf('id,text\n1,one\n', ['body'])).rows).toEqual([{ text: 'id,text' }, { text: '1,one' }]);
    expect((await rowsOf('id,text\n1,one\n')).isPlainText).toBe(true);
  });

  test('prose is never taken for a table', async () => {
    const prose = fc.array(fc.stringMatching(/^[a-z]{1,6}(, [a-z]{1,6}){1,4}$/), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(prose, fc.stringMatching(/^[a-z]{1,6}$/), async (texts, column) => {
        const { rows } = await rowsOf(texts.join('\n'), [column]);
        expect(rows).toEqual(texts.map((text) => ({ text })));
      }),
      { seed: 3, numRuns: 50 },
    );
  });
});

test('JSON is known by its first character, also where a name is in its first line', async () => {
  const expected = [{ text: 'a,b' }, { text: 'c' }];
  expect(await rowsOf(' \n{"text":"a,b"}\n{"text":"c"}\n', ['text'])).toMatchObject({
    rows: expected,
    isPlainText: false,
  });
  expect(await rowsOf('[{"text":"a,b"},\n{"text":"c"}]', ['text'], 1)).toMatchObject({ rows: expected });
});

test('nothing at all has no rows', async () => {
  expect(await rowsOf('', ['v'])).toMatchObject({ rows: [], isPlainText: true });
  expect(await rowsOf(' \n\n', ['v'])).toMatchObject({ rows: [] });
});
