import type { DeadLetter } from '../../schemas/dead-letter.js';
import type { Domain } from '../../schemas/domain.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { csvRecords } from './csv-records.js';
import { deadLine } from './dead-line.js';
import type { Entry, ValueEntry } from './entry.js';
import { fileBytes, textBytes } from './input-bytes.js';
import { type InputFile, inputFiles } from './input-files.js';
import { jsonElements } from './json-elements.js';
import { jsonLines, textLines, wholeText } from './lines.js';
import { moduleObjects } from './module-objects.js';
import { parquetRows } from './parquet-rows.js';
import { type InputKind, type InputRecords, keysOf, Misfit, toRecord } from './to-record.js';

export interface InputOptions<K extends InputKind> {
  /** What the objects are. */
  readonly kind: K;
  /** A file, a glob, `-` for standard input (JSONL), or a module whose default export returns objects. */
  readonly source: string | { readonly module: string };
  /** The folder that the source is relative to. */
  readonly base: string;
  /** Its fields, label and varied values are what an object must have. */
  readonly domain: Domain;
  /** Bytes of a line, element or document above which it is a dead letter. @default 1 MiB */
  readonly maxLineBytes?: number;
  /** @default process.stdin */
  readonly stdin?: AsyncIterable<Uint8Array | string>;
  /** Milliseconds since 1970, for dead letters. @default Date.now */
  readonly now?: () => number;
}

/** What has been read so far; it grows while the input is iterated. */
export interface InputCounts {
  readonly read: number;
  readonly dead: number;
  /** What a module left out, by reason. */
  readonly skipped: ReadonlyMap<string, number>;
}

/** An input: records and dead letters in the order of its lines, with counts. Each iteration reads it anew. */
export interface Input<Item> extends AsyncIterable<Item | DeadLetter> {
  /** Of the newest iteration. */
  readonly counts: InputCounts;
}

/**
 * A file, glob, stream or module in; seeds, real records or documents out, and a dead letter for each line that is none.
 * The format is the file's extension: jsonl, ndjson, json (an array), csv, tsv, parquet, txt, md, each but parquet also with
 * `.gz`. Plain text is a document a file, or the only field of a domain a line. Memory does not grow with the input. The same
 * input makes the same ids. Throws `HeadwaterError` with code `input-unreadable` where there is nothing to read.
 *
 * @example
 * ```ts
 * const seeds = readInput({ kind: 'seeds', source: 'seeds.jsonl', base: process.cwd(), domain });
 * for await (const item of seeds) if (item.kind === 'seed') console.log(item.fields);
 * console.log(seeds.counts.dead, 'lines are no seeds');
 * ```
 */
export function readInput<K extends InputKind>(options: InputOptions<K>): Input<InputRecords[K]> {
  let counts = { read: 0, dead: 0, skipped: new Map<string, number>() };

  async function* items(): AsyncGenerator<InputRecords[K] | DeadLetter> {
    counts = { read: 0, dead: 0, skipped: new Map() };
    const { kind, domain, now = Date.now } = options;
    for (const { name, entries } of await parts(options)) {
      const before = total();
      for await (const entry of entries) {
        if (entry.kind === 'skipped') {
          counts.skipped.set(entry.reason, (counts.skipped.get(entry.reason) ?? 0) + 1);
          continue;
        }
        const item = entry.kind === 'fault' ? deadLine(entry, name, now()) : recordOrDead(entry, name);
        if (item.kind === 'dead-letter') counts.dead += 1;
        else counts.read += 1;
        yield item;
      }
      if (total() === before) throw new HeadwaterError('input-unreadable', `${name} has no records: put some into it`);
    }

    function recordOrDead(entry: ValueEntry, file: string): InputRecords[K] | DeadLetter {
      try {
        return toRecord(kind, entry.value, domain, { file, line: entry.line });
      } catch (error) {
        if (!(error instanceof Misfit)) throw error;
        const bytes = entry.bytes ?? new TextEncoder().encode(jsonOf(entry.value));
        const { line } = entry;
        const fault = { kind: 'fault', line, code: 'line-invalid', message: error.message, bytes, cut: false } as const;
        return deadLine(fault, file, now());
      }
    }
  }

  const total = () => counts.read + counts.dead + counts.skipped.size;
  return {
    [Symbol.asyncIterator]: items,
    get counts() {
      return counts;
    },
  };
}

/** A file, stream or module, with its entries in order. */
interface Part {
  readonly name: string;
  readonly entries: AsyncIterable<Entry>;
}

const defaultMaxLineBytes = 2 ** 20;

/** All files are looked for before the first is read, so that a missing one is known before anything is loaded. */
async function parts<K extends InputKind>(options: InputOptions<K>): Promise<readonly Part[]> {
  const { source, base, maxLineBytes = defaultMaxLineBytes } = options;
  if (typeof source !== 'string') {
    return [{ name: source.module, entries: moduleObjects(source.module, base) }];
  }
  if (source === '-') {
    const bytes = textBytes(options.stdin ?? process.stdin, 'standard input');
    return [{ name: '-', entries: jsonLines(bytes, maxLineBytes) }];
  }
  const files = await inputFiles(source, base);
  return files.map((file) => ({ name: file.name, entries: fileEntries(file, options) }));
}

function fileEntries<K extends InputKind>(file: InputFile, options: InputOptions<K>): AsyncIterable<Entry> {
  const { kind, domain, maxLineBytes: maxBytes = defaultMaxLineBytes } = options;
  switch (extensionOf(file.path)) {
    case 'jsonl':
    case 'ndjson':
      return jsonLines(fileBytes(file.path), maxBytes);
    case 'json':
      return jsonElements(fileBytes(file.path), maxBytes);
    case 'csv':
      return csvRecords(fileBytes(file.path), { maxBytes, delimiter: ',' });
    case 'tsv':
      return csvRecords(fileBytes(file.path), { maxBytes, delimiter: '\t' });
    case 'parquet':
      return parquetRows(file.path, keysOf(kind, domain));
    case 'txt':
    case 'md':
      if (kind === 'documents') return wholeText(fileBytes(file.path), maxBytes);
      return textLines(fileBytes(file.path), maxBytes, onlyField(file, kind, domain));
    default:
      throw new HeadwaterError(
        'input-unreadable',
        `${file.path} has an extension that is not known: expected jsonl, ndjson, json, csv, tsv, parquet, txt or md`,
      );
  }
}

function onlyField(file: InputFile, kind: InputKind, { fields, label }: Domain): string {
  const names = [...Object.keys(fields), ...(kind === 'seeds' && label !== undefined ? [label.field] : [])];
  const [name] = names;
  if (name !== undefined && names.length === 1) return name;
  throw new HeadwaterError(
    'input-unreadable',
    `${file.path} is plain text, but the domain has ${names.join(', ')}: use JSONL or CSV, where they can be told apart`,
  );
}

function extensionOf(path: string): string {
  return /\.([a-z0-9]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
}

function jsonOf(value: unknown): string {
  const json: unknown = JSON.stringify(value, (_, inner: unknown) => {
    return typeof inner === 'bigint' ? inner.toString() : inner;
  });
  return typeof json === 'string' ? json : String(value);
}
