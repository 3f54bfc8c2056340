import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Table, tableToIPC, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { Compression, Table as ParquetTable, WriterPropertiesBuilder, writeParquet } from 'parquet-wasm/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schemaOf } from '../../../schemas/codec.js';
import type { DeadLetter } from '../../../schemas/dead-letter.js';
import { domain } from '../../../schemas/domain.js';
import { type InputOptions, readInput } from '../../../streams/inputs/read-input.js';
import type { InputKind, InputRecords } from '../../../streams/inputs/to-record.js';

const mail = domain.parse({
  about: 'short e-mails',
  fields: { subject: {}, body: {} },
  label: { field: 'kind', values: ['ham', 'spam'] },
  vary: { tone: ['plain', 'warm'] },
});
const note = domain.parse({ about: 'notes', fields: { text: {} } });

let base = '';
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'headwater-inputs-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

async function read<K extends InputKind>(options: Pick<InputOptions<K>, 'kind' | 'source'> & Partial<InputOptions<K>>) {
  const input = readInput({ base, domain: mail, now: () => 5, ...options });
  const items: (InputRecords[K] | DeadLetter)[] = [];
  for await (const item of input) items.push(item);
  const dead = items.filter((item) => item.kind === 'dead-letter');
  const records = items.filter((item) => item.kind !== 'dead-letter');
  for (const item of items) schemaOf(item.kind).parse(item);
  return { items, records, dead, counts: input.counts };
}

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(base, name), content);
  return name;
}

const good = '{"subject":"Hi","body":"There.","kind":"ham","tone":"warm","other":1}';

describe('JSON lines', () => {
  test('become seeds with fields, label and varied values', async () => {
    const { items } = await read({ kind: 'seeds', source: await file('seeds.jsonl', `${good}\n`) });
    expect(items).toEqual([
      {
        kind: 'seed',
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        fields: { subject: 'Hi', body: 'There.' },
        label: 'ham',
        vary: { tone: 'warm' },
        origin: { file: 'seeds.jsonl', line: 1 },
      },
    ]);
  });

  test('become given texts, whose label need not be there but must be one', async () => {
    const lines = `${good}\n{"subject":"a","body":"b"}\n{"subject":"a","body":"b","kind":"neither"}\n`;
    const { records, dead } = await read({ kind: 'drafts', source: await file('drafts.jsonl', lines) });
    const [first, second] = records;
    expect(first).toMatchObject({ kind: 'given', label: 'ham', vary: { tone: 'warm' }, fields: { subject: 'Hi' } });
    expect(second).toMatchObject({ kind: 'given', vary: {} });
    expect(second).not.toHaveProperty('label');
    expect(dead.map(({ message }) => message)).toEqual([expect.stringContaining("'kind' is 'neither'")]);
  });

  test('make the same ids each time, and different ids for equal lines', async () => {
    const source = await file('twice.jsonl', `${good}\n${good}\n`);
    const [one, two] = [await read({ kind: 'seeds', source }), await read({ kind: 'seeds', source })];
    expect(one.items).toEqual(two.items);
    expect(new Set(one.items.map((item) => item.id)).size).toBe(2);
  });

  test('may have a byte order mark, CRLF, blank lines and no last line end', async () => {
    const source = await file('windows.jsonl', `\ufeff${good}\r\n\r\n   \n${good}`);
    const { records, dead } = await read({ kind: 'seeds', source });
    expect(records.map((record) => record.origin.line)).toEqual([1, 4]);
    expect(dead).toEqual([]);
  });

  test('turn numbers and booleans into texts, and CRLF into LF', async () => {
    const source = await file('numbers.jsonl', '{"subject":12.5,"body":true}\n{"subject":"a","body":"b\\r\\nc"}');
    const { records } = await read({ kind: 'real', source });
    expect(records.map((record) => record.fields)).toEqual([
      { subject: '12.5', body: 'true' },
      { subject: 'a', body: 'b\nc' },
    ]);
  });

  test('that are bad become dead letters that say what is wrong, and the others are read', async () => {
    const bad = [
      'no json',
      '[1]',
      '"text"',
      '{"subject":"Hi","kind":"ham"}',
      '{"subject":"Hi","body":" ","kind":"ham"}',
      '{"subject":"Hi","body":"x","kind":"eggs"}',
      '{"subject":"Hi","body":{"a":1},"kind":"ham"}',
      '{"subject":"Hi","body":"x"}',
    ];
    const source = await file('bad.jsonl', [good, ...bad, good].join('\n'));
    const { records, dead, counts } = await read({ kind: 'seeds', source });
    expect(records).toHaveLength(2);
    expect(counts).toMatchObject({ read: 2, dead: 8 });
    expect(dead.map((letter) => `${letter.code} ${letter.message.replace(/^bad\.jsonl:/, '')}`)).toEqual([
      expect.stringMatching(/^record-undecodable 2: it is not JSON: /),
      'line-invalid 3: expected an object, such as {"field": "text"}, but it is a list',
      'line-invalid 4: expected an object, such as {"field": "text"}, but it is a string',
      "line-invalid 5: the field 'body' is missing (it has subject, kind)",
      "line-invalid 6: the field 'body' is empty",
      "line-invalid 7: 'kind' is 'eggs': expected ham or spam",
      "line-invalid 8: the field 'body' is an object: expected a text",
      "line-invalid 9: the field 'kind' is missing (it has subject, body)",
    ]);
    expect(dead[0]).toMatchObject({
      stage: 'load',
      origin: { file: 'bad.jsonl', line: 2 },
      value: 'no json',
      encoding: 'utf8',
      cut: false,
      at: 5,
    });
  });

  test('that are all bad are visible in the counts', async () => {
    const { counts } = await read({ kind: 'seeds', source: await file('all-bad.jsonl', '1\n2\n3\n') });
    expect(counts).toMatchObject({ read: 0, dead: 3 });
  });

  test('that are not UTF-8 are kept as base64', async () => {
    const bytes = Buffer.concat([Buffer.from('{"subject":"'), Uint8Array.of(0xe9), Buffer.from(`"}\n${good}\n`)]);
    const { dead, records } = await read({ kind: 'seeds', source: await file('latin1.jsonl', bytes) });
    expect(records).toHaveLength(1);
    expect(dead[0]).toMatchObject({ code: 'record-undecodable', encoding: 'base64' });
    expect(Buffer.from(dead[0]?.value ?? '', 'base64').includes(0xe9)).toBe(true);
  });

  test('of 50 MB are passed over without being held', async () => {
    const stream = createWriteStream(join(base, 'huge.jsonl'));
    stream.write(`${good}\n`);
    const part = 'x'.repeat(2 ** 20);
    for (let i = 0; i < 50; i += 1) if (!stream.write(part)) await once(stream, 'drain');
    stream.end(`\n${good}\n`);
    await once(stream, 'finish');

    const { items, dead } = await read({ kind: 'seeds', source: 'huge.jsonl' });
    expect(items.map((item) => item.kind)).toEqual(['seed', 'dead-letter', 'seed']);
    expect(dead[0]).toMatchObject({ code: 'line-too-long', cut: true });
    expect(dead[0]?.value).toHaveLength(64 * 1024);
  });

  test('of 512 MB do not make the memory grow', async () => {
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    async function* stdin() {
      for (let i = 0; i < 512; i += 1) {
        yield Buffer.alloc(2 ** 20, 'x');
        peak = Math.max(peak, process.memoryUsage().arrayBuffers);
      }
      yield Buffer.from(`\n${good}\n`);
    }
    const { counts } = await read({ kind: 'seeds', source: '-', stdin: stdin() });
    expect(counts).toMatchObject({ read: 1, dead: 1 });
    // Chunks that wait for the garbage collector are in the bound.
    expect(peak - before).toBeLessThan(160 * 2 ** 20);
  });

  test('give the same records however the bytes are chunked', async () => {
    const content = Buffer.from(`\ufeff${good}\r\n{"subject":"ä","body":"🙂 b","kind":"spam"}\n\nbad\n${good}`);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), async (sizes) => {
        async function* stdin() {
          for (let at = 0, i = 0; at < content.length; i += 1) {
            const end = at + (sizes[i % sizes.length] ?? 1);
            yield content.subarray(at, end);
            at = end;
          }
        }
        const { items } = await read({ kind: 'seeds', source: '-', stdin: stdin() });
        expect(items.map((item) => [item.kind, item.origin.line])).toEqual([
          ['seed', 1],
          ['seed', 2],
          ['dead-letter', 4],
          ['seed', 5],
        ]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('other formats', () => {
  test('a JSON array, its elements one at a time', async () => {
    const content = `\ufeff [\n  ${good},\n {"subject": "a [b], {c} \\"d\\"",\n "body": "x", "kind": "spam"},\n 5,\n oops,\n ${good}\n]\n`;
    const { items } = await read({ kind: 'seeds', source: await file('array.json', content) });
    expect(items.map((item) => [item.kind, item.origin.line])).toEqual([
      ['seed', 2],
      ['seed', 3],
      ['dead-letter', 5],
      ['dead-letter', 6],
      ['seed', 7],
    ]);
  });

  test('a JSON array that is cut, a single object, and an empty array', async () => {
    const cut = await read({ kind: 'seeds', source: await file('cut.json', `[${good}, {"subject": "a`) });
    expect(cut.items.map((item) => item.kind)).toEqual(['seed', 'dead-letter']);
    expect(cut.dead[0]?.message).toContain('not closed');
    const single = await read({ kind: 'seeds', source: await file('single.json', `\n${good}\n`) });
    expect(single.counts).toMatchObject({ read: 1, dead: 0 });
    await expect(read({ kind: 'seeds', source: await file('none.json', '[ ]') })).rejects.toThrow('has no records');
  });

  test('CSV with quotes, line breaks and rows that are wrong', async () => {
    const rows = [
      '\ufeffsubject,body,kind',
      'Hi,"one, ""two""\nthree",ham',
      '',
      'too,few',
      'A "quoted" word,x,spam',
      'Bad,"never closed,ham',
      'Last,x,ham',
    ];
    const { items, dead } = await read({ kind: 'seeds', source: await file('mails.csv', rows.join('\r\n')) });
    expect(items.map((item) => ('fields' in item ? item.fields['body'] : item.origin.line))).toEqual([
      'one, "two"\nthree',
      5,
      'x',
      7,
      'x',
    ]);
    expect(dead.map((letter) => letter.message)).toEqual([
      'mails.csv:5: it has 2 columns, and the header has 3',
      'mails.csv:7: a quote is opened and not closed',
    ]);
  });

  test('TSV and compressed lines', async () => {
    const tsv = await read({ kind: 'real', source: await file('mails.tsv', 'subject\tbody\nHi\ta, b\n') });
    expect(tsv.records[0]?.fields).toEqual({ subject: 'Hi', body: 'a, b' });
    const gz = await read({ kind: 'seeds', source: await file('mails.jsonl.gz', gzipSync(`${good}\n`)) });
    expect(gz.counts.read).toBe(1);
    const damaged = await file('damaged.jsonl.gz', gzipSync(good).subarray(0, 30));
    await expect(read({ kind: 'seeds', source: damaged })).rejects.toMatchObject({ code: 'input-unreadable' });
  });

  test('Parquet, with more columns than are asked for', async () => {
    const table = new Table({
      subject: vectorFromArray(['a', 'b', null]),
      body: vectorFromArray(['x', 'ä🙂', 'z']),
      n: vectorFromArray([1, 2, 3]),
    });
    const properties = new WriterPropertiesBuilder().setCompression(Compression.ZSTD).setMaxRowGroupSize(2).build();
    const bytes = writeParquet(ParquetTable.fromIPCStream(tableToIPC(table, 'stream')), properties);
    const { items, dead } = await read({ kind: 'real', source: await file('mails.parquet', bytes) });
    expect(items.map((item) => ('fields' in item ? item.fields : item.code))).toEqual([
      { subject: 'a', body: 'x' },
      { subject: 'b', body: 'ä🙂' },
      'line-invalid',
    ]);
    expect(dead[0]).toMatchObject({ origin: { line: 3 }, value: '{"subject":null,"body":"z"}' });
    await expect(read({ kind: 'documents', source: 'mails.parquet' })).rejects.toThrow('none of text, title');
    await expect(read({ kind: 'real', source: await file('no.parquet', good) })).rejects.toMatchObject({
      code: 'input-unreadable',
    });
  });

  test('plain text: a document a file, or the only field a line', async () => {
    await mkdir(join(base, 'docs/deep'), { recursive: true });
    await file('docs/b.txt', 'Second\r\ndocument.\n');
    await file('docs/a.md', '# First');
    await file('docs/deep/c.txt', 'Third');
    const documents = await read({ kind: 'documents', source: 'docs/**/*.{txt,md}' });
    expect(documents.records.map((record) => [record.origin.file, record.text])).toEqual([
      ['docs/a.md', '# First'],
      ['docs/b.txt', 'Second\ndocument.\n'],
      ['docs/deep/c.txt', 'Third'],
    ]);
    const notes = await read({ kind: 'real', source: 'docs/b.txt', domain: note });
    expect(notes.records.map((record) => record.fields)).toEqual([{ text: 'Second' }, { text: 'document.' }]);
    await expect(read({ kind: 'real', source: 'docs/b.txt' })).rejects.toThrow('subject, body: use JSONL or CSV');
  });
});

describe('modules', () => {
  test('yield objects, and say what they left out', async () => {
    const source = { module: './objects.mjs' };
    await file(
      'objects.mjs',
      `export default async function* objects() {
        yield { skipped: 'html' }; yield { subject: 'a', body: 'b' }; yield { skipped: 'html' }; yield 5;
      }`,
    );
    const { items, counts } = await read({ kind: 'real', source });
    expect(items.map((item) => [item.kind, item.origin.line])).toEqual([
      ['real', 2],
      ['dead-letter', 4],
    ]);
    expect([...counts.skipped]).toEqual([['html', 2]]);
  });

  test.each([
    [
      'needs-package.mjs',
      "import 'no-such-package-at-all'; export default () => [];",
      'npm install no-such-package-at-all',
    ],
    ['no-default.mjs', 'export const objects = [];', 'default export is not a function'],
    ['number.mjs', 'export default () => 5;', 'did not return an iterable'],
    ['throws.mjs', "export default () => { throw new Error('disk on fire'); };", 'disk on fire'],
  ])('%s fails with what to do', async (name, content, message) => {
    await file(name, content);
    const reading = read({ kind: 'real', source: { module: `./${name}` } });
    await expect(reading).rejects.toMatchObject({
      code: 'input-unreadable',
      message: expect.stringContaining(message),
    });
  });

  test('that are missing are named', async () => {
    const reading = read({ kind: 'real', source: { module: './absent.mjs' } });
    await expect(reading).rejects.toThrow(`./absent.mjs cannot be read: there is no such file or package`);
  });
});

describe('what cannot be read', () => {
  test.each([
    ['missing.jsonl', async () => {}, 'missing.jsonl does not exist'],
    ['*.nothing', async () => {}, 'no file matches *.nothing'],
    ['empty.jsonl', () => file('empty.jsonl', ''), 'empty.jsonl is empty'],
    ['blank.jsonl', () => file('blank.jsonl', '\n \r\n'), 'blank.jsonl has no records'],
    ['binary.jsonl', () => file('binary.jsonl', Uint8Array.of(1, 0, 2)), 'binary.jsonl is a binary file'],
    ['utf16.csv', () => file('utf16.csv', Buffer.from('\ufeffa', 'utf16le')), 'UTF-16 text: save it as UTF-8'],
    ['word.docx', () => file('word.docx', 'x'), 'an extension that is not known'],
    ['folder', () => mkdir(join(base, 'folder')), 'folder is a folder: name files in it'],
  ])('%s', async (source, prepare, message) => {
    await prepare();
    await expect(read({ kind: 'seeds', source })).rejects.toMatchObject({
      code: 'input-unreadable',
      message: expect.stringContaining(message),
    });
  });

  test('an empty standard input', async () => {
    async function* stdin(): AsyncGenerator<Uint8Array> {}
    await expect(read({ kind: 'seeds', source: '-', stdin: stdin() })).rejects.toThrow('has no records');
  });
});
