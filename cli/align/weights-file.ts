import { type BigIntStats, fstatSync, statSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';

import { Field, Float64, Int64, Schema } from 'apache-arrow';

import { HeadwaterError } from '../../schemas/errors.js';
import { tableFiles } from '../../streams/inputs/table-files.js';
import { RecordBatchBuilder } from '../../streams/shards/record-batch.js';
import { ShardFile } from '../../streams/shards/shard-file.js';
import { ShardWriter } from '../../streams/shards/shard-writer.js';

/** A row of the file. */
export interface WeightRow {
  /** The record's number among the rows of the candidates' file, from 0. */
  readonly index: number;
  readonly weight: number;
}

const schema = new Schema([new Field('index', new Int64(), false), new Field('weight', new Float64(), false)]);
const extensions = ['.parquet', '.arrow', '.jsonl', '.csv'];
/** Lines that are written at a time. */
const linesAtOnce = 4096;

/** Throws `recipe-invalid` for a name whose extension says no format, and `store-unwritable` for a folder, or a file in one that is not there. */
export function checkWeightsFile(path: string, base: string): void {
  if (!extensions.includes(extname(path).toLowerCase())) {
    throw new HeadwaterError(
      'recipe-invalid',
      `--out: expected a file that ends in ${extensions.join(', ')}, got ${path}`,
    );
  }
  const full = resolve(base, path);
  if (isFolder(full)) {
    throw new HeadwaterError('store-unwritable', `--out: ${path} is a folder: name a file that is not there yet`);
  }
  const folder = dirname(full);
  if (isFolder(folder)) return;
  throw new HeadwaterError(
    'store-unwritable',
    `--out: ${path} cannot be written, as there is no folder ${folder}: make it`,
  );
}

/** Rejects with `recipe-invalid` where the file is one of those that the inputs stand for, by whatever path: the weights would be all that is left of it. */
export async function checkNoInput(path: string, base: string, inputs: readonly string[]): Promise<void> {
  const out = statSync(resolve(base, path), { bigint: true, throwIfNoEntry: false });
  if (out === undefined) return;
  for (const input of inputs) {
    const files = (await tableFiles(input, base)).map((file) =>
      statSync(file, { bigint: true, throwIfNoEntry: false }),
    );
    if (input === '-') files.push(fstatSync(0, { bigint: true }));
    if (!files.some((file) => file !== undefined && isSame(file, out))) continue;
    const read = input === '-' ? 'standard input' : input;
    throw new HeadwaterError(
      'recipe-invalid',
      `--out: ${path} is read as a part of ${read}, and would be overwritten: name another file`,
    );
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Writes `index` (int64) and `weight` (float64), in the format that the extension names; the file is there only when it is whole.
 *
 * Memory: one batch. Rejects with `HeadwaterError` with code `store-full` or `store-unwritable`.
 */
export async function writeWeights(path: string, base: string, rows: Iterable<WeightRow>): Promise<void> {
  const full = resolve(base, path);
  const folder = dirname(full);
  const extension = extname(full).toLowerCase();
  if (extension === '.jsonl' || extension === '.csv') return writeLines(folder, basename(full), rows, extension);
  const batch = new RecordBatchBuilder<WeightRow>(schema, (column) => (row) => Reflect.get(row, column));
  const format = extension === '.arrow' ? 'arrow' : 'parquet';
  const writer = ShardWriter.create(folder, 'weights', batch, { format, compression: 'zstd' });
  try {
    for (const row of rows) await writer.append(row);
    await writer.finish(basename(full));
  } catch (error) {
    writer.abort();
    throw error;
  }
}

async function writeLines(folder: string, name: string, rows: Iterable<WeightRow>, extension: string): Promise<void> {
  const line =
    extension === '.csv'
      ? ({ index, weight }: WeightRow) => `${index},${weight}\n`
      : (row: WeightRow) => `${JSON.stringify(row)}\n`;
  const file = ShardFile.create(folder, 'weights');
  try {
    let lines = extension === '.csv' ? ['index,weight\n'] : [];
    for (const row of rows) {
      lines.push(line({ index: row.index, weight: row.weight }));
      if (lines.length < linesAtOnce) continue;
      await file.write(Buffer.from(lines.join('')));
      lines = [];
    }
    await file.write(Buffer.from(lines.join('')));
    await file.seal();
    await file.publish(name);
  } catch (error) {
    file.discard();
    throw error;
  }
}
