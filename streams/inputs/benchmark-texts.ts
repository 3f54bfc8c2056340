import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

import { HeadwaterError } from '../../schemas/errors.js';
import { csvRecords } from './csv-records.js';
import type { Entry } from './entry.js';
import { fileBytes } from './input-bytes.js';
import { type InputFile, inputFiles } from './input-files.js';
import { jsonElements } from './json-elements.js';
import { jsonLines, textLines } from './lines.js';
import { parquetRows } from './parquet-rows.js';

/** The texts of one record of a benchmark. */
export interface BenchmarkRecord {
  /** The file and the line, or row. */
  readonly source: string;
  /** All texts in it, at any depth, in its order. */
  readonly texts: readonly string[];
}

const maxLineBytes = 16 * 2 ** 20;

/** The files that patterns name, in their order, each once. Throws `input-unreadable` where one names no file. */
export async function benchmarkFiles(patterns: readonly string[], base: string): Promise<readonly InputFile[]> {
  const files = new Map<string, InputFile>();
  for (const pattern of patterns) for (const file of await inputFiles(pattern, base)) files.set(file.path, file);
  return [...files.values()];
}

/** SHA-256 over the bytes of the files, in their order; in hexadecimal. */
export async function benchmarkSha256(files: readonly InputFile[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { path } of files) for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * Benchmark files in, the texts of their records out: an object of JSONL, JSON, CSV, TSV or Parquet, or a line of plain text.
 *
 * Throws `HeadwaterError` with `input-unreadable` for a line that cannot be read, as what it holds would not be looked for.
 */
export async function* benchmarkTexts(files: readonly InputFile[]): AsyncGenerator<BenchmarkRecord> {
  for (const { path, name } of files) {
    for await (const entry of entriesOf(path)) {
      if (entry.kind === 'skipped') continue;
      const source = `${name} line ${entry.line}`;
      if (entry.kind === 'fault') throw new HeadwaterError('input-unreadable', `${source}: ${entry.message}`);
      const texts = [...textsIn(entry.value)];
      if (texts.length > 0) yield { source, texts };
    }
  }
}

function entriesOf(path: string): AsyncIterable<Entry> {
  switch (/\.([a-z0-9]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase()) {
    case 'json':
      return jsonElements(fileBytes(path), maxLineBytes);
    case 'csv':
      return csvRecords(fileBytes(path), { maxBytes: maxLineBytes, delimiter: ',' });
    case 'tsv':
      return csvRecords(fileBytes(path), { maxBytes: maxLineBytes, delimiter: '\t' });
    case 'parquet':
      return parquetRows(path);
    case 'txt':
    case 'md':
      return textLines(fileBytes(path), maxLineBytes, 'text');
    case 'jsonl':
    case 'ndjson':
      return jsonLines(fileBytes(path), maxLineBytes);
    default:
      throw new HeadwaterError(
        'input-unreadable',
        `${path} has an extension that is not known: expected jsonl, ndjson, json, csv, tsv, parquet, txt or md`,
      );
  }
}

function* textsIn(value: unknown): Iterable<string> {
  if (typeof value === 'string') {
    if (value.trim() !== '') yield value;
  } else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) yield* textsIn(inner);
  }
}
