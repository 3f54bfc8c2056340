import { parse } from 'csv-parse/sync';

import { decodeUtf8, type Entry, type FaultEntry, notUtf8, tooLong } from './entry.js';
import { isBlank, type Line, lines } from './lines.js';

export interface CsvOptions {
  readonly maxBytes: number;
  readonly delimiter: ',' | '\t';
}

/** The lines that make one record: more than one where a quoted field has line breaks. */
interface CsvRecord {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly fault: 'too-long' | 'quote-open' | null;
}

/**
 * CSV bytes in, an object a record out, with the names of the header row. Quoted fields may have line breaks. A quote that
 * is never closed harms its own line only: reading goes on with the next one. Holds at most two records' bytes.
 */
export async function* csvRecords(
  chunks: AsyncIterable<Uint8Array>,
  { maxBytes, delimiter }: CsvOptions,
): AsyncGenerator<Entry> {
  let header: readonly string[] | null = null;
  for await (const record of records(lines(chunks, maxBytes), maxBytes, delimiter.charCodeAt(0))) {
    const cells = cellsOf(record, maxBytes, delimiter);
    if (!Array.isArray(cells)) {
      yield cells;
    } else if (header === null) {
      header = cells;
    } else if (cells.length !== header.length) {
      const message = `it has ${cells.length} columns, and the header has ${header.length}`;
      yield { kind: 'fault', line: record.number, code: 'line-invalid', message, bytes: record.bytes, cut: false };
    } else {
      const value = Object.fromEntries(header.map((name, index) => [name, cells[index]]));
      yield { kind: 'value', line: record.number, value, bytes: record.bytes };
    }
  }
}

/** Joins lines while a quote is open. */
async function* records(source: AsyncIterable<Line>, maxBytes: number, delimiter: number): AsyncGenerator<CsvRecord> {
  let held: Line[] = [];
  let bytes = 0;
  let open = false;

  /** Takes one line in, and gives the records that it completes. */
  function* take(line: Line): Generator<CsvRecord> {
    if (line.tooLong) {
      yield* giveUp();
      yield { number: line.number, bytes: line.bytes, fault: 'too-long' };
      return;
    }
    if (held.length === 0 && isBlank(line.bytes)) return;
    open = quoteOpenAfter(line.bytes, open, delimiter);
    held.push(line);
    bytes += line.bytes.byteLength + 1;
    if (!open) {
      yield { number: held[0]?.number ?? line.number, bytes: joined(held), fault: null };
      reset();
    } else if (bytes > maxBytes) {
      yield* giveUp();
    }
  }

  /** The held lines' quote never closes: the first is at fault, the others are read anew. */
  function* giveUp(): Generator<CsvRecord> {
    while (held.length > 0) {
      const [first, ...rest] = held;
      reset();
      if (first !== undefined) yield { number: first.number, bytes: first.bytes, fault: 'quote-open' };
      for (const line of rest) yield* take(line);
    }
  }

  function reset(): void {
    held = [];
    bytes = 0;
    open = false;
  }

  for await (const line of source) yield* take(line);
  yield* giveUp();
}

function cellsOf(record: CsvRecord, maxBytes: number, delimiter: string): string[] | FaultEntry {
  const { number, bytes, fault } = record;
  if (fault === 'too-long') return tooLong(number, bytes, maxBytes);
  const invalid = (message: string): FaultEntry => {
    return { kind: 'fault', line: number, code: 'line-invalid', message, bytes, cut: false };
  };
  if (fault === 'quote-open') return invalid('a quote is opened and not closed');
  const text = decodeUtf8(bytes);
  if (text === null) return notUtf8(number, bytes);
  try {
    return parsedCells(text, delimiter);
  } catch (error) {
    return invalid(`it is not CSV: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The names in a header of one line; none where it is no such line. */
export function headerCells(line: Uint8Array, delimiter: CsvOptions['delimiter']): readonly string[] {
  const text = decodeUtf8(line);
  try {
    return text === null ? [] : parsedCells(text, delimiter);
  } catch {
    return [];
  }
}

function parsedCells(text: string, delimiter: string): string[] {
  // a quote inside an unquoted cell is text, as spreadsheets write it
  const rows: string[][] = parse(text, { delimiter, relax_quotes: true, relax_column_count: true });
  return rows[0] ?? [];
}

/** Whether a quoted cell goes on after this line; a quote counts as opening only where a cell starts. */
function quoteOpenAfter(bytes: Uint8Array, openBefore: boolean, delimiter: number): boolean {
  let open = openBefore;
  let cellStart = !openBefore;
  for (let at = 0; at < bytes.byteLength; at += 1) {
    const byte = bytes[at];
    if (open) {
      if (byte !== 0x22) continue;
      if (bytes[at + 1] === 0x22) at += 1;
      else open = false;
    } else if (byte === 0x22 && cellStart) {
      open = true;
      cellStart = false;
    } else {
      cellStart = byte === delimiter;
    }
  }
  return open;
}

function joined(held: readonly Line[]): Uint8Array {
  const [first] = held;
  if (held.length === 1 && first !== undefined) return first.bytes;
  const newline = Uint8Array.of(0x0a);
  return Buffer.concat(held.flatMap((line, index) => (index === 0 ? [line.bytes] : [newline, line.bytes])));
}
