import { open } from 'node:fs/promises';

import { RecordBatchReader } from 'apache-arrow';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';

import type { Shard } from '../../schemas/shard.js';

/** The rows of a Parquet or Arrow file by the file's own account. Rejects where it cannot be read as one. */
export function countRows(path: string, format: Shard['format']): Promise<number> {
  return format === 'parquet' ? countParquetRows(path) : countArrowRows(path);
}

async function countParquetRows(path: string): Promise<number> {
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path));
  return Number(metadata.num_rows);
}

async function countArrowRows(path: string): Promise<number> {
  const handle = await open(path, 'r');
  try {
    const reader = await RecordBatchReader.from(handle);
    let rows = 0;
    for await (const batch of reader) rows += batch.numRows;
    return rows;
  } finally {
    await handle.close();
  }
}
