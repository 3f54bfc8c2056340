import { HeadwaterError } from '../../schemas/errors.js';
import type { Column, Table } from '../../streams/inputs/table.js';

/** Which columns of all files are compared. */
export interface ChosenColumns {
  /** Their texts are joined; none where only vectors are compared. */
  readonly fields: readonly string[];
  readonly vectors: string | null;
  /** Whether the fields were found rather than named. */
  readonly found: boolean;
}

export interface ColumnWishes {
  readonly fields?: readonly string[];
  readonly vectors?: string;
}

/** Columns that are seldom what a record says; they are compared where they are named. */
const aboutRecords: ReadonlySet<string> = new Set(
  'id uuid label kind lineage created_at timestamp date split source url model'.split(' '),
);

/**
 * The columns that the user named, or those that all files have: `text`, or else every column of texts but ids, labels and the
 * like. Throws `input-unreadable` where a file lacks one, or nothing can be compared, and names what there is.
 */
export function chooseColumns(tables: readonly Table[], { fields, vectors }: ColumnWishes): ChosenColumns {
  if (vectors !== undefined) for (const table of tables) requireVectors(table, vectors);
  if (fields !== undefined) {
    for (const table of tables) for (const field of fields) requireField(table, field);
    return { fields, vectors: vectors ?? null, found: false };
  }
  const found = commonFields(tables);
  if (found.length === 0 && vectors === undefined) throw nothingInCommon(tables);
  return { fields: found, vectors: vectors ?? null, found: true };
}

function commonFields(tables: readonly Table[]): readonly string[] {
  const named = tables.filter(({ isPlainText }) => !isPlainText);
  const [first, ...others] = named;
  if (first === undefined) return ['text'];
  const common = textColumns(first).filter((name) => others.every((table) => textColumns(table).includes(name)));
  if (common.includes('text')) return ['text'];
  const told = common.filter((name) => !aboutRecords.has(name.toLowerCase()));
  // a line of plain text stands for one field, not for several
  return named.length === tables.length || told.length === 1 ? told : [];
}

function requireField({ name, columns, isPlainText }: Table, field: string): void {
  if (isPlainText || columns.some((column) => column.name === field)) return;
  throw unreadable(`${name} has no field '${field}': it has ${listed(columns)}; name one of them with --field`);
}

function requireVectors({ name, columns }: Table, vectors: string): void {
  const column = columns.find((one) => one.name === vectors);
  if (column !== undefined && column.holds !== 'text') return;
  const lists = columns.filter(({ holds }) => holds === 'vector');
  const what = column === undefined ? `has no column '${vectors}'` : `has texts in '${vectors}', not lists of numbers`;
  const there = lists.length === 0 ? 'no column of it holds lists of numbers' : `vectors are in ${listed(lists)}`;
  throw unreadable(`${name} ${what}: ${there}; name one with --vectors, or leave it out to embed the texts`);
}

function nothingInCommon(tables: readonly Table[]): HeadwaterError {
  const each = tables.map((table) =>
    table.isPlainText ? `${table.name} is plain text` : `${table.name} has ${listed(table.columns)}`,
  );
  return unreadable(`the files have no text field in common: ${each.join('; ')}. Name one with --field`);
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
