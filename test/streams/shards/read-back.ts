import { readFileSync } from 'node:fs';

import { type Table, tableFromIPC, Vector } from 'apache-arrow';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** The rows of a Parquet file by hyparquet, which we did not write; dates as milliseconds. */
export async function parquetRows(path: string): Promise<unknown[]> {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
  return rows.map(plain);
}

/** The rows of an Arrow file by apache-arrow; vectors as arrays. */
export function arrowRows(path: string): unknown[] {
  return arrowTable(path).toArray().map(plain);
}

export function arrowTable(path: string): Table {
  return tableFromIPC(readFileSync(path));
}

function plain(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (value instanceof Float32Array) return [...value];
  if (value instanceof Vector) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const json: unknown = 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value;
  return Object.fromEntries(Object.entries(json ?? {}).map(([name, held]) => [name, plain(held)]));
}
