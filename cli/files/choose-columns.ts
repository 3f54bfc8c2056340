import { HeadwaterError } from '../../schemas/errors.js';
import type { Column, Table } from '../../streams/inputs/table.js';
import { shownName } from './file-text.js';

/** Which columns of all files are compared. */
export interface ChosenColumns {
  /** Their texts are joined; none where only vectors are compared. */
  readonly fields: readonly string[];
  readonly vectors: string | null;
  /** Whether the fields were found rather than named. */
  readonly found: boolean;
}

/** What the user names. */
export interface ColumnWishes {
  readonly fields?: readonly string[];
  readonly vectors?: string;
  /** A column of labels, which all files must have; it is not embedded, unless it is named or the only one. */
  readonly by?: string;
}

/** Columns that are seldom what a record says; they are compared where they are named. */
const aboutRecords: ReadonlySet<string> = new Set(
  'id uuid label kind lineage created_at timestamp date split source url model'.split(' '),
);

/** The names in them: a header on standard input has one of these. */
export function namedColumns({ fields = [], vectors, by }: ColumnWishes): readonly string[] {
  return [...fields, vectors, by].flatMap((name) => name ?? []);
}

/**
 * The columns that the user named, or those that all files have: `text`, or else every column of texts but ids, labels and the
 * like. Throws `input-unreadable` where a file lacks one, or nothing can be compared, and names what there is.
 */
export function chooseColumns(tables: readonly Table[], { fields, vectors, by }: ColumnWishes): ChosenColumns {
  if (vectors !== undefined) for (const table of tables) requireVectors(table, vectors);
  if (by !== undefined) for (const table of tables) requireLabels(table, by);
  if (fields !== undefined) {
    for (const table of tables) for (const field of fields) requireField(table, field);
    return { fields, vectors: vectors ?? null, found: false };
  }
  const found = textFields(tables, by);
  if (found.length === 0 && vectors === undefined) throw nothingInCommon(tables);
  return { fields: found, vectors: vectors ?? null, found: true };
}

/** What all files have: `text`, or else every column of texts but ids, labels and the like; `by` only where there is no other. */
export function textFields(tables: readonly Table[], by?: string): readonly string[] {
  const beside = by === undefined ? [] : commonFields(tables, by);
  return beside.length > 0 ? beside : commonFields(tables);
}

function commonFields(tables: readonly Table[], by?: string): readonly string[] {
  const named = tables.filter(({ isPlainText }) => !isPlainText);
  const [first, ...others] = named;
  if (first === undefined) return ['text'];
  const shared = textColumns(first).filter((name) => others.every((table) => textColumns(table).includes(name)));
  const common = shared.filter((name) => name !== by);
  if (common.includes('text')) return ['text'];
  const told = common.filter((name) => !aboutRecords.has(name.toLowerCase()));
  // a line of plain text stands for one field, not for several
  return named.length === tables.length || told.length === 1 ? told : [];
}

function requireField({ name, columns, isPlainText }: Table, field: string): void {
  if (isPlainText || columns.some((column) => column.name === field)) return;
  throw unreadable(
    `${shownName(name)} has no field '${field}': it has ${listed(columns)}; name one of them with --field`,
  );
}

function requireLabels({ name, columns, isPlainText }: Table, by: string): void {
  if (!isPlainText && columns.some((column) => column.name === by)) return;
  const there = isPlainText ? `${asPlainText(name, by)};` : `it has ${listed(columns)}; name one of them, or`;
  throw unreadable(`${shownName(name)} has no column '${by}' for --by: ${there} leave --by out`);
}

function requireVectors({ name, columns, isPlainText }: Table, vectors: string): void {
  if (isPlainText) {
    const why = asPlainText(name, vectors);
    throw unreadable(`${shownName(name)} has no column '${vectors}': ${why}; leave --vectors out to embed the lines`);
  }
  const column = columns.find((one) => one.name === vectors);
  if (column?.holds === 'vector' || column?.holds === 'other') return;
  const lists = columns.filter(({ holds }) => holds === 'vector');
  const held = column?.holds === 'bytes' ? 'bytes' : 'texts';
  const what =
    column === undefined ? `has no column '${vectors}'` : `has ${held} in '${vectors}', not lists of numbers`;
  const there = lists.length === 0 ? 'no column of it holds lists of numbers' : `vectors are in ${listed(lists)}`;
  throw unreadable(`${shownName(name)} ${what}: ${there}; name one with --vectors, or leave it out to embed the texts`);
}

/** Why there is no such column, and how there could be one. */
function asPlainText(name: string, column: string): string {
  if (name !== '-') return 'it is plain text';
  return `it is read as plain text, since it is neither JSON lines nor a JSON array, and its first line is no CSV or TSV header with '${column}'`;
}

function nothingInCommon(tables: readonly Table[]): HeadwaterError {
  const each = tables.map((table) =>
    table.isPlainText
      ? `${shownName(table.name)} is plain text`
      : `${shownName(table.name)} has ${listed(table.columns)}`,
  );
  const what = tables.length === 1 ? 'there is no text field to embed' : 'the files have no text field in common';
  const vectors = tables.every(({ columns }) => columns.some(({ holds }) => holds === 'vector'));
  const name = vectors ? 'Name one with --field, or a column of vectors with --vectors' : 'Name one with --field';
  return unreadable(`${what}: ${each.join('; ')}. ${name}`);
}

function textColumns({ columns }: Table): readonly string[] {
  return columns.flatMap(({ name, holds }) => (holds === 'text' ? [name] : []));
}

function listed(columns: readonly Column[]): string {
  if (columns.length === 0) return 'no fields';
  const names = columns.slice(0, 20).map(({ name }) => name.slice(0, 60));
  return [...names, ...(columns.length > 20 ? [`${columns.length - 20} more`] : [])].join(', ');
}

function unreadable(message: string): HeadwaterError {
  return new HeadwaterError('input-unreadable', message);
}
