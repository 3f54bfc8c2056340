import type { Table } from '../../streams/inputs/table.js';
import type { ChosenColumns } from './choose-columns.js';
import type { SkippedRecords } from './skips.js';

/** What was chosen for the user, in a line: `comparing the field text (choose with --field)`; empty where there was no choice. */
export function choiceLine(
  verb: string,
  { fields, vectors, found }: ChosenColumns,
  plainText: readonly string[],
): string {
  const word = fields.length === 1 ? 'field' : 'fields';
  const parts = [
    ...(fields.length > 0 && found ? [`${verb} the ${word} ${fields.join(', ')} (choose with --field)`] : []),
    ...(vectors === null ? [] : [`vectors from ${vectors}`]),
    ...plainText.map(plainTextLine),
  ];
  return parts.join('; ');
}

/** Of standard input, with what would make it something else. */
function plainTextLine(name: string): string {
  const hint = name === '-' ? ' (for CSV or TSV, name a column of its header, such as by --field)' : '';
  return `${shownName(name)} is plain text: a line is a record${hint}`;
}

/** The names of those tables whose lines are records. */
export function plainTextOf(tables: readonly Table[]): readonly string[] {
  return tables.filter(({ isPlainText }) => isPlainText).map(({ name }) => name);
}

export function shownName(file: string): string {
  return file === '-' ? 'standard input' : file;
}

/** Lines that stand under a file: what was skipped, and why, and what was scaled. */
export function skippedLines(skipped: SkippedRecords, normalised: number, indent: number): readonly string[] {
  const before = ' '.repeat(indent);
  const reasons = Object.entries(skipped.reasons).map(([reason, times]) => `${reason} ${times}`);
  return [
    ...(skipped.count === 0 ? [] : [`${before}${skipped.count} skipped: ${reasons.join(', ')}`]),
    ...skipped.first.map(({ place, message }) => `${before}  ${place}: ${message}`),
    ...(normalised === 0 ? [] : [`${before}${normalised} vectors were scaled to unit norm`]),
  ];
}
