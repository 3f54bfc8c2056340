import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { from, lastValueFrom } from 'rxjs';
import { afterAll, expect, test } from 'vitest';

import { emitted } from '../../../operators/flow/emitted.js';
import { tableFiles } from '../../../streams/inputs/table-files.js';
import { manifest } from '../../../streams/shards/manifest.js';
import { shard } from '../../../streams/shards/shard.js';
import { folder } from '../shards/folders.js';
import { dimensions, problems, samplesTo } from '../shards/samples.js';

const base = mkdtempSync(join(tmpdir(), 'headwater-table-files-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
for (const name of ['a.jsonl', 'b.jsonl', 'c.csv']) writeFileSync(join(base, name), 'x\n');

test('a file, those of a glob, and none of standard input', async () => {
  expect(await tableFiles('b.jsonl', base)).toEqual([join(base, 'b.jsonl')]);
  expect(await tableFiles('*.jsonl', base)).toEqual(['a.jsonl', 'b.jsonl'].map((name) => join(base, name)));
  expect(await tableFiles('-', base)).toEqual([]);
  await expect(tableFiles('d.jsonl', base)).rejects.toMatchObject({ code: 'input-unreadable' });
});

test('of a shard folder its manifest and the shards in it, and nothing else that lies there', async () => {
  const dir = folder();
  const options = {
    dir,
    domain: problems,
    dimensions,
    format: 'arrow',
    compression: 'zstd',
    rows: 10,
    bytes: 2 ** 26,
  } as const;
  const positionOf = ({ ordinal }: { ordinal: number }) => ({ topic: 'samples', partition: 0, offset: ordinal });
  const shards = shard({ ...options, lane: 0, positionOf });
  await lastValueFrom(from(samplesTo(25)).pipe(shards, emitted(), manifest({ dir })));
  writeFileSync(join(dir, 'notes.txt'), 'none of it');
  const [first, ...files] = await tableFiles(dir, base);
  expect(first).toBe(join(dir, 'manifest.jsonl'));
  expect(files).toHaveLength(3);
  for (const path of files) expect(path).toMatch(/\.arrow$/);
});
