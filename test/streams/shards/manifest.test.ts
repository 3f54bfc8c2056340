import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { recordId } from '../../../schemas/ids.js';
import type { ManifestEntry, Shard } from '../../../schemas/shard.js';
import type { Tick } from '../../../schemas/tick.js';
import { manifest } from '../../../streams/shards/manifest.js';
import { readManifest } from '../../../streams/shards/manifest-file.js';
import { folder, mounted, until } from './folders.js';
import { tick } from './samples.js';

function shardAt(index: number): Shard {
  return {
    kind: 'shard',
    id: recordId('shard', index),
    lane: 0,
    path: `samples-0-${String(index * 10).padStart(8, '0')}-${String(index * 10 + 9).padStart(8, '0')}.parquet`,
    format: 'parquet',
    encoder: 'columnar',
    rows: 10,
    bytes: 100,
    sha256: '0'.repeat(64),
    schemaId: 'headwater.row/0',
    offsets: [{ topic: 'samples', partition: 0, first: index * 10, last: index * 10 + 9 }],
    closedBy: 'rows',
    statistics: { labels: { ünïcode: 1 }, meanCosine: null, mmd2: null },
    lineage: { models: [], promptIds: [], promptTokens: 0, completionTokens: 0, cost: null },
    createdAt: 1,
  };
}

function shards(from_: number, to: number): Shard[] {
  return Array.from({ length: to - from_ }, (_, index) => shardAt(from_ + index));
}

function run(dir: string, inputs: readonly (Shard | Tick)[]) {
  return lastValueFrom(from(inputs).pipe(manifest({ dir }), toArray()));
}

async function entries(dir: string): Promise<ManifestEntry[]> {
  const read: ManifestEntry[] = [];
  for await (const entry of readManifest(dir)) read.push(entry);
  return read;
}

function listed(from_: number, to: number): ManifestEntry[] {
  return shards(from_, to).map((shard, index) => ({ ...shard, kind: 'manifest-entry', seq: from_ + index }));
}

describe('manifest', () => {
  test('appends a line a shard with the next seq, and absorbs all', async () => {
    const dir = folder();
    const inputs = [shardAt(0), tick('complete'), shardAt(1)];
    expect(await run(dir, inputs)).toEqual(inputs.map((input) => ({ kind: 'absorbed', input })));
    expect(await entries(dir)).toEqual(listed(0, 2));
    expect(readFileSync(join(dir, 'manifest.jsonl'), 'utf8')).toMatch(/^\{.*\}\n\{.*\}\n$/);
  });

  test('goes on where another process stopped', async () => {
    const dir = folder();
    await run(dir, shards(0, 2));
    await run(dir, shards(2, 4));
    expect(await entries(dir)).toEqual(listed(0, 4));
  });

  test('changes nothing on a replay', async () => {
    const dir = folder();
    await run(dir, shards(0, 3));
    const before = readFileSync(join(dir, 'manifest.jsonl'));
    await run(dir, [...shards(1, 3), shardAt(2)]);
    expect(readFileSync(join(dir, 'manifest.jsonl'))).toEqual(before);
  });

  test('has the line on the disk before the outcome', async () => {
    const dir = folder();
    const source = new Subject<Shard>();
    const counts: number[] = [];
    const done = new Promise<void>((resolve, reject) => {
      source.pipe(manifest({ dir })).subscribe({
        next: () => counts.push(readFileSync(join(dir, 'manifest.jsonl'), 'utf8').trimEnd().split('\n').length),
        error: reject,
        complete: resolve,
      });
    });
    for (const shard of shards(0, 3)) source.next(shard);
    source.complete();
    await done;
    expect(counts).toEqual([1, 2, 3]);
  });

  test('cuts a torn line, wherever a crash tore it, and writes it again', async () => {
    const whole = folder();
    await run(whole, shards(0, 3));
    const content = readFileSync(join(whole, 'manifest.jsonl'));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: content.length }), async (length) => {
        const dir = folder();
        writeFileSync(join(dir, 'manifest.jsonl'), content);
        truncateSync(join(dir, 'manifest.jsonl'), length);
        const complete = content.subarray(0, length).filter((byte) => byte === 10).length;
        expect(await entries(dir)).toEqual(listed(0, complete));
        await run(dir, shards(complete, 3));
        expect(readFileSync(join(dir, 'manifest.jsonl')).equals(content)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('cuts a torn line that is longer than a block', async () => {
    const dir = folder();
    await run(dir, shards(0, 1));
    appendFileSync(join(dir, 'manifest.jsonl'), 'x'.repeat(200_000));
    await run(dir, shards(1, 2));
    expect(await entries(dir)).toEqual(listed(0, 2));
  });

  test('refuses another shard under a path that it has', async () => {
    const dir = folder();
    await run(dir, shards(0, 1));
    const foreign = { ...shardAt(0), id: recordId('shard', 'other') };
    await expect(run(dir, [foreign])).rejects.toMatchObject({ code: 'data-foreign' });
  });

  test('refuses to go on when somebody else writes', async () => {
    const dir = folder();
    const source = new Subject<Shard>();
    const done = lastValueFrom(source.pipe(manifest({ dir }), toArray()));
    source.next(shardAt(0));
    await until(async () => (await entries(dir)).length === 1);
    await run(dir, [shardAt(1)]);
    source.next(shardAt(2));
    await expect(done).rejects.toMatchObject({ code: 'data-in-use' });
    expect(await entries(dir)).toEqual(listed(0, 2));
  });

  test('writes no file where there is no shard', async () => {
    const dir = folder();
    await run(dir, [tick('complete')]);
    expect(existsSync(join(dir, 'manifest.jsonl'))).toBe(false);
    expect(await entries(dir)).toEqual([]);
  });

  test('says that the folder cannot be written, and that the disk is full', async () => {
    await expect(run(mounted('ro'), shards(0, 1))).rejects.toMatchObject({ code: 'store-unwritable' });
    const dir = mounted('size=64k');
    await expect(run(dir, shards(0, 1000))).rejects.toMatchObject({ code: 'store-full' });
  });

  test('goes on after the disk was full', async () => {
    const dir = mounted('size=64k');
    await expect(run(dir, shards(0, 1000))).rejects.toMatchObject({ code: 'store-full' });
    const kept = (await entries(dir)).length;
    expect(kept).toBeGreaterThan(10);
    await run(dir, shards(kept - 2, kept));
    expect(await entries(dir)).toEqual(listed(0, kept));
  });
});

describe('readManifest', () => {
  test('names the line that is wrong', async () => {
    const dir = folder();
    await run(dir, shards(0, 2));
    appendFileSync(join(dir, 'manifest.jsonl'), '{"seq": 2}\n');
    await expect(entries(dir)).rejects.toMatchObject({
      code: 'record-invalid',
      message: expect.stringMatching(/line 3/),
    });
    writeFileSync(join(dir, 'manifest.jsonl'), 'no json\n');
    await expect(entries(dir)).rejects.toMatchObject({
      code: 'record-undecodable',
      message: expect.stringMatching(/manifest\.jsonl, line 1/),
    });
  });

  test('reads lines longer than a chunk', async () => {
    const dir = folder();
    const models = Array.from({ length: 20_000 }, (_, index) => `model/${index}`);
    const long = { ...shardAt(0), lineage: { ...shardAt(0).lineage, models } };
    await run(dir, [long, shardAt(1)]);
    expect((await entries(dir))[0]?.lineage.models).toEqual(models);
  });
});
