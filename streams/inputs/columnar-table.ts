import { type FileHandle, open } from 'node:fs/promises';

import { type DataType, Precision, RecordBatchReader, DataType as Types, Vector } from 'apache-arrow';
import { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } from 'hyparquet';

import { HeadwaterError } from '../../schemas/errors.js';
import { parquetRows } from './parquet-rows.js';
import type { Column, ColumnContent, Table, TableEntry } from './table.js';

type ParquetColumn = ReturnType<typeof parquetSchema>['children'][number];

/** Parquet files with the columns of the first. Throws `input-unreadable` where that is not Parquet. */
export async function parquetTable(name: string, paths: readonly string[]): Promise<Table> {
  const [first = ''] = paths;
  const metadata = await asyncBufferFromFile(first)
    .then((file) => parquetMetadataAsync(file))
    .catch((cause: unknown) => {
      throw unreadable(first, 'Parquet', cause);
    });
  const columns = parquetSchema(metadata).children.map(
    (column): Column => ({ name: column.element.name, holds: parquetContent(column) }),
  );
  async function* rows(wanted: readonly string[]): AsyncGenerator<TableEntry> {
    for (const file of paths) for await (const entry of parquetRows(file, wanted)) yield { file, entry };
  }
  return { name, columns, isPlainText: false, rows };
}

/** Arrow IPC files with the columns of the first. Throws `input-unreadable` where that is not Arrow. */
export async function arrowTable(name: string, paths: readonly string[]): Promise<Table> {
  const [first = ''] = paths;
  const columns: Column[] = [];
  for await (const { schema } of arrowBatches(first)) {
    columns.push(...schema.fields.map((field) => ({ name: field.name, holds: arrowContent(field.type) })));
    break;
  }
  async function* rows(wanted: readonly string[]): AsyncGenerator<TableEntry> {
    for (const file of paths) {
      let line = 0;
      for await (const batch of arrowBatches(file)) {
        const vectors = wanted.flatMap((column) => {
          const vector = batch.getChild(column);
          return vector === null ? [] : [[column, vector] as const];
        });
        for (let row = 0; row < batch.numRows; row++) {
          const value = Object.fromEntries(vectors.map(([column, vector]) => [column, plain(vector.get(row))]));
          yield { file, entry: { kind: 'value', line: ++line, value } };
        }
      }
    }
  }
  return { name, columns, isPlainText: false, rows };
}

async function* arrowBatches(path: string) {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    for await (const batch of await RecordBatchReader.from(handle)) yield batch;
  } catch (cause) {
    throw unreadable(path, 'Arrow', cause);
  } finally {
    await handle?.close();
  }
}

/** The items of a list; anything else as it is. */
function plain(value: unknown): unknown {
  if (!(value instanceof Vector)) return value;
  // Of gaps and of half floats the array has only what is stored.
  const isStored = value.nullCount === 0 && !isHalf(value.type);
  return isStored ? value.toArray() : Array.from(value);
}

function isHalf(type: DataType): boolean {
  return Types.isFloat(type) && type.precision === Precision.HALF;
}

function parquetContent({ element, children }: ParquetColumn): ColumnContent {
  if (children.length === 0) return leafContent(element.type);
  return isNumberList({ element, children }) ? 'vector' : 'other';
}

function leafContent(type: ParquetColumn['element']['type']): ColumnContent {
  if (type === 'BYTE_ARRAY') return 'text';
  return type === 'FIXED_LEN_BYTE_ARRAY' ? 'bytes' : 'other';
}

/** A list, by its name for the group inside, of one number each. */
function isNumberList({ element, children }: Pick<ParquetColumn, 'element' | 'children'>): boolean {
  const isList = element.converted_type === 'LIST' || element.logical_type?.type === 'LIST';
  const [inner] = children;
  const item = inner?.children.length === 1 ? inner.children[0] : inner;
  return (
    isList && item?.children.length === 0 && ['FLOAT', 'DOUBLE', 'INT32', 'INT64'].includes(item.element.type ?? '')
  );
}

function arrowContent(type: DataType): ColumnContent {
  if (Types.isUtf8(type) || Types.isLargeUtf8(type)) return 'text';
  if (Types.isDictionary(type)) return arrowContent(type.dictionary);
  if (Types.isBinary(type) || Types.isLargeBinary(type) || Types.isFixedSizeBinary(type)) return 'bytes';
  if (!Types.isList(type) && !Types.isFixedSizeList(type)) return 'other';
  const [item] = type.children;
  return item !== undefined && (Types.isFloat(item.type) || Types.isInt(item.type)) ? 'vector' : 'other';
}

function unreadable(path: string, format: string, cause: unknown): HeadwaterError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new HeadwaterError('input-unreadable', `${path} is not a readable ${format} file: ${what}`, { cause });
}
