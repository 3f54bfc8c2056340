import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Type } from 'apache-arrow';
import fc from 'fast-check';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import { wasmMemory } from 'parquet-wasm';
import { describe, expect, test } from 'vitest';

import type { Sample } from '../../../schemas/sample.js';
import { countRows } from '../../../streams/shards/count-rows.js';
import { sampleBatch } from '../../../streams/shards/sample-batch.js';
import { groupBytes, groupRows, type ShardFormat, ShardWriter } from '../../../streams/shards/shard-writer.js';
import { folder, mounted } from './folders.js';
import { arrowRows, arrowTable, parquetRows } from './read-back.js';
import { dimensions, problems, rowOf, sampleAt, samplesTo } from './samples.js';

const zstd: ShardFormat = { format: 'parquet', compression: 'zstd' };
const arrow: ShardFormat = { format: 'arrow', compression: 'none' };
const formats: readonly ShardFormat[] = [
  zstd,
  { format: 'parquet', compression: 'snappy' },
  { format: 'parquet', compression: 'none' },
  arrow,
];

async function write(dir: string, format: ShardFormat, samples: readonly Sample[], width: number | null = dimensions) {
  const writer = ShardWriter.create(dir, 'samples-0', sampleBatch(problems, width), format);
  for (const sample of samples) await writer.append(sample);
  return writer.finish('shard');
}

function readBack(dir: string, { format }: ShardFormat): Promise<unknown[]> {
  return Promise.resolve(format === 'parquet' ? parquetRows(join(dir, 'shard')) : arrowRows(join(dir, 'shard')));
}

describe.each(formats)('ShardWriter, $format $compression', (format) => {
  test('writes every column so that another reader sees the samples', async () => {
    const dir = folder();
    const samples = samplesTo(40);
    await write(dir, format, samples);
    expect(await readBack(dir, format)).toEqual(samples.map(rowOf));
  });

  test('writes any texts', async () => {
    const dir = folder();
    // A byte order mark at the start is right in the file, but left out by the decoders of both readers.
    const text = fc.string({ unit: 'binary' }).filter((value) => !value.startsWith('\uFEFF'));
    const fields = fc.record({ question: text, answer: text });
    await fc.assert(
      fc.asyncProperty(fc.array(fields, { minLength: 1, maxLength: 30 }), async (rows) => {
        const samples = rows.map((row, index) => sampleAt(index, { fields: row }));
        await write(dir, format, samples);
        expect(await readBack(dir, format)).toEqual(samples.map(rowOf));
      }),
      { numRuns: 25 },
    );
  });

  test('writes large texts among small ones', async () => {
    const dir = folder();
    const samples = [sampleAt(0), sampleAt(1, { fields: { question: 'x'.repeat(2 ** 20), answer: '' } }), sampleAt(2)];
    await write(dir, format, samples);
    expect(await readBack(dir, format)).toEqual(samples.map(rowOf));
  });

  test('tells bytes, rows and hash of the file, and the same for the same rows', async () => {
    const dir = folder();
    const finished = await write(dir, format, samplesTo(100));
    const content = readFileSync(join(dir, 'shard'));
    expect(finished).toEqual({
      rows: 100,
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    });
    expect(await write(dir, format, samplesTo(100))).toEqual(finished);
    expect(readdirSync(dir)).toEqual(['shard']);
  });

  test('writes several groups, full ones and a rest', async () => {
    const dir = folder();
    const count = groupRows * 2 + 7;
    await write(dir, format, samplesTo(count));
    const rows = await readBack(dir, format);
    expect(rows).toHaveLength(count);
    expect(rows[groupRows]).toEqual(rowOf(sampleAt(groupRows)));
    expect(rows.at(-1)).toEqual(rowOf(sampleAt(count - 1)));
    expect(await countRows(join(dir, 'shard'), format.format)).toBe(count);
  });

  test('writes a file without rows', async () => {
    const dir = folder();
    expect((await write(dir, format, [])).rows).toBe(0);
    expect(await readBack(dir, format)).toEqual([]);
  });

  test('goes on after a row that cannot be written', async () => {
    const dir = folder();
    const writer = ShardWriter.create(dir, 'samples-0', sampleBatch(problems, dimensions), format);
    await writer.append(sampleAt(0));
    const { bytes } = writer;
    expect(() => writer.append(sampleAt(1, { weight: Number.NaN }))).toThrow(/'weight'/);
    expect([writer.rows, writer.bytes]).toEqual([1, bytes]);
    await writer.append(sampleAt(2));
    await writer.finish('shard');
    expect(await readBack(dir, format)).toEqual([sampleAt(0), sampleAt(2)].map(rowOf));
  });

  test('leaves nothing behind when aborted between groups and within one', async () => {
    const dir = folder();
    const batch = sampleBatch(problems, dimensions);
    for (const count of [1, groupRows, groupRows + 1]) {
      const writer = ShardWriter.create(dir, 'samples-0', batch, format);
      for (const sample of samplesTo(count)) await writer.append(sample);
      expect(readdirSync(dir)).toHaveLength(1);
      writer.abort();
      expect(readdirSync(dir)).toEqual([]);
    }
  });

  test('leaves nothing behind when aborted while it writes', async () => {
    const dir = folder();
    const writer = ShardWriter.create(dir, 'samples-0', sampleBatch(problems, dimensions), format);
    for (const sample of samplesTo(10)) await writer.append(sample);
    const finished = writer.finish('shard');
    writer.abort();
    await expect(finished).rejects.toThrow();
    expect(readdirSync(dir)).toEqual([]);
  });

  test('says that the disk is full', async () => {
    const dir = mounted('size=1m');
    const text = Array.from({ length: 4000 }, (_, index) => createHash('md5').update(`${index}`).digest('hex')).join(
      '',
    );
    const samples = Array.from({ length: 120 }, (_, index) =>
      sampleAt(index, { fields: { question: `${index}${text.slice(index * 50)}`, answer: text.slice(index * 99) } }),
    );
    const writer = ShardWriter.create(dir, 'samples-0', sampleBatch(problems, dimensions), format);
    const all = Promise.resolve().then(async () => {
      for (const sample of samples) await writer.append(sample);
      return writer.finish('shard');
    });
    await expect(all).rejects.toMatchObject({ code: 'store-full' });
    writer.abort();
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('ShardWriter', () => {
  test('says that the folder cannot be written', () => {
    const batch = sampleBatch(problems, dimensions);
    const create = (dir: string) => () => ShardWriter.create(dir, 'samples-0', batch, zstd);
    expect(create(mounted('ro'))).toThrow(expect.objectContaining({ code: 'store-unwritable' }));
    expect(create(join(folder(), 'absent'))).toThrow(expect.objectContaining({ code: 'store-unwritable' }));
  });

  test('replaces a file that has the name', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'shard'), 'what a run before the crash had written');
    await write(dir, zstd, samplesTo(3));
    expect(await readBack(dir, zstd)).toEqual(samplesTo(3).map(rowOf));
  });

  test('closes a row group by its encoded bytes, too', async () => {
    const dir = folder();
    const samples = Array.from({ length: 40 }, (_, index) =>
      sampleAt(index, { fields: { question: randomBytes(2 ** 19).toString('hex'), answer: '' } }),
    );
    await write(dir, { format: 'parquet', compression: 'none' }, samples);
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(join(dir, 'shard')));
    const sizes = metadata.row_groups.map((group) => Number(group.total_byte_size));
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThan(groupBytes + 2 * 2 ** 20);
    expect(await readBack(dir, zstd)).toEqual(samples.map(rowOf));
  });

  test.each([
    ['zstd', 'ZSTD'],
    ['snappy', 'SNAPPY'],
    ['none', 'UNCOMPRESSED'],
  ] as const)('compresses all row groups of one run with %s', async (compression, codec) => {
    const dir = folder();
    for (let again = 0; again < 2; again += 1) {
      await write(dir, { format: 'parquet', compression }, samplesTo(groupRows + 1));
      const metadata = await parquetMetadataAsync(await asyncBufferFromFile(join(dir, 'shard')));
      const codecs = metadata.row_groups.flatMap((group) => group.columns.map((column) => column.meta_data?.codec));
      expect(new Set(codecs)).toEqual(new Set([codec]));
    }
  });

  test('writes the columns of the recipe, with and without embeddings', async () => {
    const dir = folder();
    await write(dir, arrow, samplesTo(1), null);
    expect(arrowTable(join(dir, 'shard')).schema.names).not.toContain('embedding');
    await write(dir, arrow, samplesTo(1));
    const { schema } = arrowTable(join(dir, 'shard'));
    expect(schema.names).toEqual(['id', 'question', 'answer', 'label', 'weight', 'embedding', 'lineage', 'created_at']);
    expect(schema.fields[5]?.typeId).toBe(Type.FixedSizeList);
  });

  test('holds no more of WebAssembly after many shards than after a few', async () => {
    const dir = folder();
    const batch = sampleBatch(problems, dimensions);
    const samples = samplesTo(groupRows + 1);
    const sizes: number[] = [];
    for (let shard = 0; shard < 30; shard += 1) {
      const writer = ShardWriter.create(dir, 'samples-0', batch, zstd);
      for (const sample of samples) await writer.append(sample);
      // Every third one is given up.
      if (shard % 3 === 2) writer.abort();
      else await writer.finish('shard');
      sizes.push(wasmMemory().buffer.byteLength);
    }
    expect(sizes.at(-1)).toBe(sizes[9]);
  });
});
