import type { Table } from '../../streams/inputs/table.js';
import { textFields } from '../files/choose-columns.js';
import { RecordReader } from '../files/records.js';

/** Characters of a text that are kept. */
const shownCharacters = 200;

/**
 * The starts of the texts of some rows, by their numbers from 0: a pass over the file, which is not held. Empty where it has no texts.
 * Rejects with the signal's reason.
 */
export async function readTexts(
  table: Table,
  rows: ReadonlySet<number>,
  { fields, by }: { readonly fields: readonly string[]; readonly by: string | undefined },
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const texts = new Map<number, string>();
  const shown = fields.length > 0 ? fields : textFields([table], by);
  if (shown.length === 0) return texts;
  const reader = new RecordReader(table, { fields: shown, vectors: null, found: true });
  for await (const { row, text } of reader.records()) {
    signal.throwIfAborted();
    if (rows.has(row)) texts.set(row, text.slice(0, shownCharacters));
    if (texts.size === rows.size) break;
  }
  return texts;
}
