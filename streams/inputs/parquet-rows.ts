import { HeadwaterError } from '../../schemas/errors.js';
import type { Entry } from './entry.js';

/** Rows that are read at once within a row group: what bounds the memory where row groups are large. */
const batchRows = 10_000;

/**
 * The rows of a Parquet file as objects, `line` being the row from 1; all columns where none are named. Throws `input-unreadable` where
 * it is not Parquet.
 */
export async function* parquetRows(path: string, columns?: readonly string[]): AsyncGenerator<Entry> {
  // Loaded here, since most inputs are no Parquet and every process would load them.
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const file = await asyncBufferFromFile(path);
  const unreadable = (cause: unknown): HeadwaterError => {
    const what = cause instanceof Error ? cause.message : String(cause);
    return new HeadwaterError('input-unreadable', `${path} is not a readable Parquet file: ${what}`, { cause });
  };
  const metadata = await parquetMetadataAsync(file).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  const present = parquetSchema(metadata).children.map((column) => column.element.name);
  const read = columns === undefined ? present : columns.filter((column) => present.includes(column));
  if (read.length === 0) {
    const message = `${path} has the columns ${present.join(', ')}, and none of ${(columns ?? []).join(', ')}`;
    throw new HeadwaterError('input-unreadable', message);
  }
  let line = 0;
  for (const [start, end] of batches(metadata.row_groups.map((group) => Number(group.num_rows)))) {
    const options = { file, metadata, compressors, columns: read, rowStart: start, rowEnd: end };
    const rows = await parquetReadObjects(options).catch((cause: unknown) => {
      throw unreadable(cause);
    });
    for (const value of rows) yield { kind: 'value', line: ++line, value };
  }
}

/** Row ranges that stay within their row group. */
function* batches(groups: readonly number[]): Generator<readonly [start: number, end: number]> {
  let start = 0;
  for (const rows of groups) {
    const groupEnd = start + rows;
    for (; start < groupEnd; start = Math.min(start + batchRows, groupEnd)) {
      yield [start, Math.min(start + batchRows, groupEnd)];
    }
  }
}
