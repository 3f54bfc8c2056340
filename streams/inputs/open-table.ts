import { join, resolve } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import { readManifest } from '../shards/manifest-file.js';
import { columnsOf } from './column-content.js';
import { arrowTable, parquetTable } from './columnar-table.js';
import { csvRecords } from './csv-records.js';
import { fileBytes } from './input-bytes.js';
import { inputFiles } from './input-files.js';
import { jsonElements } from './json-elements.js';
import { jsonLines, textLines } from './lines.js';
import { standardInput } from './standard-input.js';
import type { Column, Table, TableEntry } from './table.js';
import { isShardFolder } from './table-files.js';

export interface TableOptions {
  /** The folder that the source is relative to. */
  readonly base: string;
  /** Bytes of a line or element above which it is a fault. @default 4 MiB */
  readonly maxLineBytes?: number;
  /** @default process.stdin */
  readonly stdin?: AsyncIterable<Uint8Array | string>;
  /** Columns that the user named, by which standard input is known for CSV or TSV. @default none */
  readonly columns?: readonly string[];
}

const defaultMaxLineBytes = 4 * 2 ** 20;

/** Rows that are read ahead to learn which columns there are. */
const headRows = 100;

/**
 * A file, glob, shard folder or `-` for standard input in, its rows out, with the names of its columns known beforehand.
 *
 * The format is the file's extension: jsonl, ndjson, json (an array), csv, tsv, txt and md (a line is a row), each also with
 * `.gz`; parquet; arrow. Standard input is known by its start, as `standardInput` says.
 * Memory: a hundred rows; of Parquet and Arrow a batch. Throws `input-unreadable` where there is nothing to read.
 */
export async function openTable(source: string, options: TableOptions): Promise<Table> {
  const maxBytes = options.maxLineBytes ?? defaultMaxLineBytes;
  if (source === '-') {
    const { stdin = process.stdin, columns = [] } = options;
    const { entries, isPlainText } = await standardInput(stdin, { maxBytes, columns });
    return headedTable('-', tagged('standard input', entries), isPlainText);
  }
  const folder = resolve(options.base, source);
  if (await isShardFolder(folder)) return shardTable(source, folder);
  const files = await inputFiles(source, options.base);
  const [first] = files;
  const format = extensionOf(first?.path ?? '');
  if (first === undefined || files.some(({ path }) => extensionOf(path) !== format)) {
    throw new HeadwaterError('input-unreadable', `${source} names files of more than one format: compare one format`);
  }
  const paths = files.map(({ path }) => path);
  if (format === 'parquet') return parquetTable(source, paths);
  if (format === 'arrow') return arrowTable(source, paths);
  const entries = paths.map((path) => tagged(path, textEntries(path, format, maxBytes)));
  return headedTable(source, chained(entries), format === 'txt' || format === 'md');
}

/** The shards that a manifest lists, in its order. */
async function shardTable(name: string, folder: string): Promise<Table> {
  const shards = [];
  for await (const { path, format } of readManifest(folder)) shards.push({ path: join(folder, path), format });
  const [first] = shards;
  if (first === undefined) {
    throw new HeadwaterError('input-unreadable', `the shard folder ${folder} has no shards yet: wait for the first`);
  }
  if (shards.some(({ format }) => format !== first.format)) {
    throw new HeadwaterError(
      'input-unreadable',
      `${folder} has Parquet and Arrow shards: name the files of one format`,
    );
  }
  const paths = shards.map(({ path }) => path);
  return first.format === 'parquet' ? parquetTable(name, paths) : arrowTable(name, paths);
}

/** Reads the first rows for their columns; `rows` gives them again, and goes on behind them. */
async function headedTable(name: string, entries: AsyncGenerator<TableEntry>, isPlainText: boolean): Promise<Table> {
  const head: TableEntry[] = [];
  while (head.length < headRows) {
    const { value, done } = await entries.next();
    if (done) break;
    head.push(value);
  }
  const columns: readonly Column[] = columnsOf(
    head.flatMap(({ entry }) => (entry.kind === 'value' ? [entry.value] : [])),
  );
  async function* rows(): AsyncGenerator<TableEntry> {
    yield* head.splice(0);
    yield* entries;
  }
  return { name, columns: isPlainText ? [{ name: 'text', holds: 'text' }] : columns, isPlainText, rows };
}

function textEntries(path: string, format: string, maxBytes: number) {
  switch (format) {
    case 'jsonl':
    case 'ndjson':
      return jsonLines(fileBytes(path), maxBytes);
    case 'json':
      return jsonElements(fileBytes(path), maxBytes);
    case 'csv':
      return csvRecords(fileBytes(path), { maxBytes, delimiter: ',' });
    case 'tsv':
      return csvRecords(fileBytes(path), { maxBytes, delimiter: '\t' });
    case 'txt':
    case 'md':
      return textLines(fileBytes(path), maxBytes, 'text');
    default:
      throw new HeadwaterError(
        'input-unreadable',
        `${path} has an extension that is not known: expected jsonl, ndjson, json, csv, tsv, parquet, arrow, txt or md`,
      );
  }
}

async function* tagged(file: string, entries: AsyncIterable<TableEntry['entry']>): AsyncGenerator<TableEntry> {
  for await (const entry of entries) yield { file, entry };
}

async function* chained(parts: readonly AsyncIterable<TableEntry>[]): AsyncGenerator<TableEntry> {
  for (const part of parts) yield* part;
}

function extensionOf(path: string): string {
  return /\.([a-z0-9]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
}
