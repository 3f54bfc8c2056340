import { copyFileSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { from, lastValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { emitted } from '../../../operators/flow/emitted.js';
import { manifest } from '../../../streams/shards/manifest.js';
import { type ShardOptions, shard } from '../../../streams/shards/shard.js';
import { verifyShards } from '../../../streams/shards/verify.js';
import { folder } from './folders.js';
import { dimensions, problems, samplesTo } from './samples.js';

const names = [
  'samples-0-00000000-00000009.parquet',
  'samples-0-00000010-00000019.parquet',
  'samples-0-00000020-00000024.parquet',
] as const;

/** A folder of three shards with its manifest. */
async function shardFolder(format: ShardOptions['format'] = 'parquet'): Promise<string> {
  const dir = folder();
  const options: ShardOptions = {
    dir,
    domain: problems,
    dimensions,
    format,
    compression: 'zstd',
    rows: 10,
    bytes: 2 ** 26,
    lane: 0,
    positionOf: ({ ordinal }) => ({ topic: 'samples', partition: 0, offset: ordinal }),
  };
  await lastValueFrom(from(samplesTo(25)).pipe(shard(options), emitted(), manifest({ dir })));
  return dir;
}

async function problemsOf(dir: string): Promise<unknown[]> {
  const { findings } = await verifyShards(dir);
  return findings.map(({ problem, seq, path }) => [problem, seq, path]);
}

function editManifest(dir: string, edit: (lines: string[]) => string[]): void {
  const path = join(dir, 'manifest.jsonl');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  writeFileSync(
    path,
    edit(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

describe('verifyShards', () => {
  test.each(['parquet', 'arrow'] as const)('finds nothing in a good folder of %s files', async (format) => {
    const dir = await shardFolder(format);
    expect(await verifyShards(dir)).toMatchObject({ shards: 3, rows: 25, findings: [] });
  });

  test('finds a file that is gone', async () => {
    const dir = await shardFolder();
    unlinkSync(join(dir, names[1]));
    expect(await problemsOf(dir)).toEqual([['missing', 1, names[1]]]);
  });

  test('finds a file of another size', async () => {
    const dir = await shardFolder();
    writeFileSync(join(dir, names[0]), readFileSync(join(dir, names[0])).subarray(1));
    expect(await problemsOf(dir)).toEqual([['bytes', 0, names[0]]]);
  });

  test('finds a flipped bit', async () => {
    const dir = await shardFolder();
    const bytes = readFileSync(join(dir, names[0]));
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(join(dir, names[0]), bytes);
    expect(await problemsOf(dir)).toEqual([['sha256', 0, names[0]]]);
  });

  test.each(['parquet', 'arrow'] as const)('finds a %s file that cannot be read', async (format) => {
    const dir = await shardFolder(format);
    const path = names[0].replace('parquet', format);
    writeFileSync(join(dir, path), Buffer.alloc(readFileSync(join(dir, path)).length));
    expect(await problemsOf(dir)).toEqual([
      ['sha256', 0, path],
      ['rows', 0, path],
    ]);
  });

  test('finds another number of rows', async () => {
    const dir = await shardFolder();
    editManifest(dir, (lines) => lines.map((line) => line.replace('"rows":5', '"rows":6')));
    expect(await problemsOf(dir)).toEqual([['rows', 2, names[2]]]);
  });

  test('finds a gap in the order', async () => {
    const dir = await shardFolder();
    editManifest(dir, ([first = '', , third = '']) => [first, third]);
    expect(await problemsOf(dir)).toEqual([
      ['seq', 2, names[2]],
      ['stray', null, names[1]],
    ]);
  });

  test('finds two shards with the same samples', async () => {
    const dir = await shardFolder();
    const copy = 'samples-0-00000015-00000019.parquet';
    copyFileSync(join(dir, names[1]), join(dir, copy));
    editManifest(dir, (lines) => {
      const entry = JSON.parse(lines[1] ?? '');
      entry.offsets[0].first = 15;
      return [...lines, JSON.stringify({ ...entry, path: copy, seq: 3 })];
    });
    expect(await problemsOf(dir)).toEqual([['overlap', 3, copy]]);
  });

  test('finds a shard inside another that is not its neighbour', async () => {
    const dir = await shardFolder();
    editManifest(dir, (lines) =>
      lines.map((line, index) => (index === 0 ? line.replace('"last":9', '"last":99') : line)),
    );
    expect(await problemsOf(dir)).toEqual([
      ['overlap', 1, names[1]],
      ['overlap', 2, names[2]],
    ]);
  });

  test('finds files that the manifest does not name, and leaves other files alone', async () => {
    const dir = await shardFolder();
    for (const name of ['.samples-0-0badcafe.partial', 'samples-3-00000000-00000009.arrow', 'README.md']) {
      writeFileSync(join(dir, name), 'x');
    }
    expect(await problemsOf(dir)).toEqual([
      ['stray', null, '.samples-0-0badcafe.partial'],
      ['stray', null, 'samples-3-00000000-00000009.arrow'],
    ]);
  });

  test('does not follow a path out of the folder', async () => {
    const dir = await shardFolder();
    const other = folder();
    renameSync(join(dir, names[0]), join(other, names[0]));
    editManifest(dir, (lines) =>
      lines.map((line) => line.replace(`"${names[0]}"`, `"${join('..', other, names[0])}"`)),
    );
    expect((await problemsOf(dir))[0]).toEqual(['missing', 0, join('..', other, names[0])]);
  });

  test('finds a line that cannot be read, and checks those before it', async () => {
    const dir = await shardFolder();
    editManifest(dir, ([first = '', , third = '']) => [first, 'no json', third]);
    expect(await problemsOf(dir)).toEqual([
      ['manifest', null, 'manifest.jsonl'],
      ['stray', null, names[1]],
      ['stray', null, names[2]],
    ]);
  });

  test('says that there is no such folder', async () => {
    await expect(verifyShards(join(folder(), 'absent'))).rejects.toMatchObject({ code: 'input-unreadable' });
  });
});
