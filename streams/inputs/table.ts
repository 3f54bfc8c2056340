import type { Entry } from './entry.js';

/** A file, or files of one kind, as rows of named columns: what a command reads that knows no domain. */
export interface Table {
  /** As the user named it. */
  readonly name: string;
  /** Those that its first rows, or its schema, have; in their order. */
  readonly columns: readonly Column[];
  /** Whether rows have no names for their parts, as lines of plain text do: the only column is then called `text`. */
  readonly isPlainText: boolean;
  /** The rows as objects, with at least these columns where a row has them. Once only: what is read is not held. */
  rows(columns: readonly string[]): AsyncIterable<TableEntry>;
}

export interface Column {
  readonly name: string;
  /** `vector` is a list of numbers. */
  readonly holds: ColumnContent;
}

export type ColumnContent = 'text' | 'vector' | 'bytes' | 'other';

/** An entry with the file that it stands in. */
export interface TableEntry {
  readonly file: string;
  readonly entry: Entry;
}
