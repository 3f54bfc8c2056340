import { csvRecords, headerCells } from './csv-records.js';
import type { Entry } from './entry.js';
import { textBytes } from './input-bytes.js';
import { jsonElements } from './json-elements.js';
import { isBlank, jsonLines, lines, textLines } from './lines.js';

export interface StandardInputOptions {
  /** Bytes of a line or element above which it is a fault. */
  readonly maxBytes: number;
  /** Columns that the user named: a first line with one of them is a header. */
  readonly columns: readonly string[];
}

export interface StandardInput {
  readonly entries: AsyncGenerator<Entry>;
  readonly isPlainText: boolean;
}

/**
 * Standard input as rows: nothing but its start says what it is.
 *
 * JSONL where it starts with `{`, an array where it starts with `[`, CSV or TSV where its first line is a header with one of `columns`, else
 * plain text, commas or not. Reads ahead to the end of the first line. Throws `input-unreadable` for what is no text.
 */
export async function standardInput(
  stdin: AsyncIterable<Uint8Array | string>,
  { maxBytes, columns }: StandardInputOptions,
): Promise<StandardInput> {
  const chunks = textBytes(stdin, 'standard input');
  const head: Uint8Array[] = [];
  let start = '';
  // JSON shows at the first character that is not white space, a header at the end of its line
  while (!/^[{[]|\n/.test(start) && start.length <= maxBytes) {
    const { value, done } = await chunks.next();
    if (done) break;
    head.push(value);
    start = (start + Buffer.from(value).toString('latin1')).replace(/^ï»¿/, '').trimStart();
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* head;
    yield* chunks;
  }
  if (start.startsWith('{')) return { entries: jsonLines(all(), maxBytes), isPlainText: false };
  if (start.startsWith('[')) return { entries: jsonElements(all(), maxBytes), isPlainText: false };
  const delimiter = await delimiterOf(head, maxBytes, columns);
  return delimiter === undefined
    ? { entries: textLines(all(), maxBytes, 'text'), isPlainText: true }
    : { entries: csvRecords(all(), { maxBytes, delimiter }), isPlainText: false };
}

/**
 * Of a header with one of the columns. Names have no white space around them, which sets a header apart from prose with commas; a tab is tried
 * first, so that a header of one column lets commas be.
 */
async function delimiterOf(head: readonly Uint8Array[], maxBytes: number, columns: readonly string[]) {
  if (columns.length === 0) return undefined;
  async function* only(): AsyncGenerator<Uint8Array> {
    yield* head;
  }
  for await (const { bytes } of lines(only(), maxBytes)) {
    if (isBlank(bytes)) continue;
    return (['\t', ','] as const).find((delimiter) => {
      const cells = headerCells(bytes, delimiter);
      return cells.every((cell) => cell === cell.trim()) && columns.some((name) => cells.includes(name));
    });
  }
  return undefined;
}
