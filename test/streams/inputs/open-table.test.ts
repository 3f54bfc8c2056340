import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';

import {
  Field as ArrowField,
  Table as ArrowTable,
  FixedSizeBinary,
  FixedSizeList,
  Float32,
  tableToIPC,
  vectorFromArray,
} from 'apache-arrow';
import { Table as ParquetTable, writeParquet } from 'parquet-wasm/node';
import { from, lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { emitted } from '../../../operators/flow/emitted.js';
import { openTable } from '../../../streams/inputs/open-table.js';
import type { Table } from '../../../streams/inputs/table.js';
import { manifest } from '../../../streams/shards/manifest.js';
import { type ShardOptions, shard } from '../../../streams/shards/shard.js';
import { folder } from '../shards/folders.js';
import { dimensions, problems, sampleAt, samplesTo } from '../shards/samples.js';

let base = '';
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'headwater-tables-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(base, name), content);
  return name;
}

const kinds = ({ columns }: Table) => Object.fromEntries(columns.map(({ name, holds }) => [name, holds]));

async function rowsOf(table: Table, columns: readonly string[]): Promise<readonly unknown[]> {
  const rows: unknown[] = [];
  for await (const { entry } of table.rows(columns)) rows.push(entry.kind === 'value' ? entry.value : entry.kind);
  return rows;
}

const jsonl = '{"text":"one","v":[1,0.5],"n":3}\n\nno json\n{"text":"two","v":[0,1],"tag":null}\n';

describe('rows and columns of', () => {
  test('JSON lines, with faults in their places; packed, too', async () => {
    for (const name of [await file('a.jsonl', jsonl), await file('a.jsonl.gz', gzipSync(jsonl))]) {
      const table = await openTable(name, { base });
      expect(kinds(table)).toEqual({ text: 'text', v: 'vector', n: 'other', tag: 'other' });
      expect(await rowsOf(table, ['text'])).toEqual([
        { text: 'one', v: [1, 0.5], n: 3 },
        'fault',
        { text: 'two', v: [0, 1], tag: null },
      ]);
    }
  });

  test('a JSON array, and CSV, where numbers are no texts and a list in brackets is a vector', async () => {
    const array = await openTable(await file('a.json', '[{"text":"one"},\n{"text":"two"}]'), { base });
    expect(await rowsOf(array, ['text'])).toEqual([{ text: 'one' }, { text: 'two' }]);
    const csv = await openTable(await file('a.csv', 'id,text,v\n1,"one, or so","[1, 2]"\n2,two,"[3, 4]"\n'), { base });
    expect(kinds(csv)).toEqual({ id: 'other', text: 'text', v: 'vector' });
    expect(await rowsOf(csv, ['text'])).toEqual([
      { id: '1', text: 'one, or so', v: '[1, 2]' },
      { id: '2', text: 'two', v: '[3, 4]' },
    ]);
  });

  test('plain text, a line each', async () => {
    const table = await openTable(await file('a.txt', 'one\n\ntwo\n'), { base });
    expect([table.isPlainText, kinds(table)]).toEqual([true, { text: 'text' }]);
    expect(await rowsOf(table, ['text'])).toEqual([{ text: 'one' }, { text: 'two' }]);
  });

  test('more rows than are looked at for columns, in order and once', async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `{"text":"line ${i}"}\n`);
    const table = await openTable(await file('long.jsonl', lines.join('')), { base });
    const rows = await rowsOf(table, ['text']);
    expect(rows).toHaveLength(1000);
    expect(rows[999]).toEqual({ text: 'line 999' });
  });

  test('several files that a pattern names, each row with its file', async () => {
    await file('part-1.jsonl', '{"text":"one"}\n');
    await file('part-2.jsonl', '{"text":"two"}\n');
    const table = await openTable('part-*.jsonl', { base });
    const places: string[] = [];
    for await (const { file: name, entry } of table.rows(['text'])) {
      places.push(`${name.slice(base.length + 1)}:${entry.kind === 'value' ? entry.line : ''}`);
    }
    expect(places).toEqual(['part-1.jsonl:1', 'part-2.jsonl:1']);
  });

  test('Parquet and Arrow files, with lists of numbers', async () => {
    const item = new ArrowField('item', new Float32());
    const arrow = new ArrowTable({
      text: vectorFromArray(['one', 'two']),
      v: vectorFromArray(
        [
          [1, 2],
          [3, 4],
        ],
        new FixedSizeList(2, item),
      ),
      n: vectorFromArray(Int32Array.of(5, 6)),
      raw: vectorFromArray([Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)], new FixedSizeBinary(4)),
    });
    await file('a.parquet', writeParquet(ParquetTable.fromIPCStream(tableToIPC(arrow, 'stream'))));
    await file('a.arrow', tableToIPC(arrow, 'file'));
    for (const name of ['a.parquet', 'a.arrow']) {
      const table = await openTable(name, { base });
      expect(kinds(table)).toEqual({ text: 'text', v: 'vector', n: 'other', raw: 'bytes' });
      const rows = await rowsOf(table, ['text', 'v']);
      expect(rows).toMatchObject([{ text: 'one' }, { text: 'two' }]);
      const vectors = rows.map((row) => Array.from(Reflect.get(Object(row), 'v')));
      expect(vectors).toEqual([
        [1, 2],
        [3, 4],
      ]);
    }
  });

  test.each(['parquet', 'arrow'] as const)('a folder of %s shards, in the order of its manifest', async (format) => {
    const dir = folder();
    const options: ShardOptions = {
      dir,
      domain: problems,
      dimensions,
      format,
      compression: 'zstd',
      rows: 10,
      bytes: 2 ** 26,
      lane: 0,
      positionOf: ({ ordinal }) => ({ topic: 'samples', partition: 0, offset: ordinal }),
    };
    await lastValueFrom(from(samplesTo(25)).pipe(shard(options), emitted(), manifest({ dir })));
    const table = await openTable(dir, { base });
    expect(kinds(table)).toMatchObject({ id: 'text', question: 'text', answer: 'text', embedding: 'vector' });
    const rows = await rowsOf(table, ['question']);
    expect(rows).toEqual(Array.from({ length: 25 }, (_, i) => ({ question: sampleAt(i).fields['question'] })));
  });

  test.each([
    ['JSON lines', '\ufeff \n{"text":"one"}\n{"text":"two"}\n', false],
    ['an array', '[{"text":"one"}, {"text":"two"}]', false],
    ['plain text', 'one\ntwo\n', true],
  ])('standard input with %s', async (_, content, isPlainText) => {
    const table = await openTable('-', { base, stdin: Readable.from([Buffer.from(content)]) });
    expect([table.isPlainText, table.name]).toEqual([isPlainText, '-']);
    expect(await rowsOf(table, ['text'])).toEqual([{ text: 'one' }, { text: 'two' }]);
  });
});

describe('says what is wrong with', () => {
  test.each([
    ['a missing file', 'none.jsonl', /none\.jsonl does not exist/],
    ['a folder without shards', '.', /is a folder: name files in it/],
    ['an unknown extension', 'a.xlsx', /extension that is not known: expected jsonl/],
    ['an empty file', 'empty.jsonl', /empty\.jsonl is empty/],
    ['what is no Parquet', 'bad.parquet', /bad\.parquet is not a readable Parquet file/],
    ['what is no Arrow', 'bad.arrow', /bad\.arrow is not a readable Arrow file/],
    ['files of two formats', 'mixed.*', /more than one format/],
    ['binary data', 'binary.txt', /is a binary file/],
  ])('%s', async (_, name, message) => {
    await file('a.xlsx', 'x');
    await file('empty.jsonl', '');
    await file('bad.parquet', 'not parquet at all');
    await file('bad.arrow', 'not arrow at all');
    await file('mixed.txt', 'x');
    await file('mixed.csv', 'x');
    await file('binary.txt', Uint8Array.of(1, 0, 2, 0));
    const opened = openTable(name, { base });
    await expect(opened).rejects.toMatchObject({ code: 'input-unreadable', message: expect.stringMatching(message) });
  });
});
