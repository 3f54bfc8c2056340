import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { checkShardFolder, isPartialName, isShardName, shardName } from '../../../streams/shards/shard-folder.js';
import { folder, mounted } from './folders.js';

describe('checkShardFolder', () => {
  test('makes the folder and leaves nothing in it', async () => {
    const dir = join(folder(), 'a', 'b');
    await checkShardFolder(dir);
    expect(existsSync(dir)).toBe(true);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('says that the folder cannot be written', async () => {
    await expect(checkShardFolder(mounted('ro'))).rejects.toMatchObject({ code: 'store-unwritable' });
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    await expect(checkShardFolder(file)).rejects.toMatchObject({ code: 'store-unwritable' });
  });

  test('says that the disk is full', async () => {
    const dir = mounted('size=4k');
    writeFileSync(join(dir, 'other'), Buffer.alloc(4096));
    await expect(checkShardFolder(dir)).rejects.toMatchObject({
      code: 'store-full',
      message: expect.stringContaining(dir),
    });
    expect(readdirSync(dir)).toEqual(['other']);
  });
});

describe('shardName', () => {
  test('sorts by offset and can be told from other files', () => {
    expect(shardName(0, 0, 23, 'parquet')).toBe('samples-0-00000000-00000023.parquet');
    expect(shardName(12, 123456789, 1234567890, 'arrow')).toBe('samples-12-123456789-1234567890.arrow');
    expect(isShardName(shardName(12, 5, 123456789, 'arrow'))).toBe(true);
    for (const name of ['samples.parquet', 'samples-0-1-2.parquet', '.samples-0-0badcafe.partial', 'manifest.jsonl']) {
      expect(isShardName(name)).toBe(false);
    }
    expect(isPartialName('.samples-0-0badcafe.partial')).toBe(true);
    expect(isPartialName('samples-0-00000000-00000023.parquet')).toBe(false);
  });
});
