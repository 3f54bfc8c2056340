import { readdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { concat, EMPTY, from, lastValueFrom, NEVER, of, Subject, throwError, toArray } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';

import type { Outcome } from '../../../operators/flow/outcome.js';
import type { Correction } from '../../../schemas/correction.js';
import { recordId } from '../../../schemas/ids.js';
import type { Sample } from '../../../schemas/sample.js';
import type { Shard } from '../../../schemas/shard.js';
import { shardSchema } from '../../../schemas/shard.js';
import type { Tick } from '../../../schemas/tick.js';
import { manifest } from '../../../streams/shards/manifest.js';
import { type ShardOptions, shard } from '../../../streams/shards/shard.js';
import { folder, mounted, until } from './folders.js';
import { parquetRows } from './read-back.js';
import { dimensions, problems, rowOf, sampleAt, samplesTo, tick } from './samples.js';

type In = Sample | Correction | Tick;

function options(dir: string, change: Partial<ShardOptions> = {}): ShardOptions {
  return {
    dir,
    domain: problems,
    dimensions,
    format: 'parquet',
    compression: 'zstd',
    rows: 10,
    bytes: 2 ** 26,
    lane: 0,
    // Samples lie on their topic with gaps, where ticks are.
    positionOf: ({ lane, ordinal }) => ({ topic: 'samples', partition: lane, offset: ordinal * 2 }),
    ...change,
  };
}

function run(inputs: readonly In[], settings: ShardOptions): Promise<Outcome<In, Shard | Tick>[]> {
  return lastValueFrom(from(inputs).pipe(shard(settings), toArray()));
}

function shardsOf(outcomes: readonly Outcome<In, Shard | Tick>[]): Shard[] {
  return outcomes
    .flatMap((outcome) => (outcome.kind === 'emitted' ? outcome.outputs : []))
    .filter((output) => output.kind === 'shard');
}

function correction(mmd2: number): Correction {
  return {
    kind: 'correction',
    id: recordId('correction', mmd2),
    lane: 0,
    accepted: 8,
    mmd2,
    bandwidth: 1,
    frequencies: 16,
    embedder: 'test/4',
    synthetic: { size: 8, firstOrdinal: 0, lastOrdinal: 7 },
    real: { size: 8, seen: 8 },
    at: 1,
  };
}

describe('shard', () => {
  test('closes by rows and names each file by its offsets', async () => {
    const dir = folder();
    const outcomes = await run(samplesTo(20), options(dir));
    expect(readdirSync(dir)).toEqual(['samples-0-00000000-00000018.parquet', 'samples-0-00000020-00000038.parquet']);
    expect(outcomes.map(({ kind }) => kind)).toEqual(
      Array.from({ length: 20 }, (_, index) => (index % 10 === 9 ? 'emitted' : 'absorbed')),
    );
    expect(outcomes.map(({ input }) => input)).toEqual(samplesTo(20));
    expect(await parquetRows(join(dir, 'samples-0-00000020-00000038.parquet'))).toEqual(
      samplesTo(20).slice(10).map(rowOf),
    );
  });

  test('describes a shard', async () => {
    const dir = folder();
    const samples = samplesTo(10);
    const [made] = shardsOf(await run([correction(0.25), ...samples], options(dir)));
    expect(shardSchema.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
    expect(made).toMatchObject({
      lane: 0,
      path: 'samples-0-00000000-00000018.parquet',
      format: 'parquet',
      encoder: 'columnar',
      rows: 10,
      bytes: statSync(join(dir, 'samples-0-00000000-00000018.parquet')).size,
      offsets: [{ topic: 'samples', partition: 0, first: 0, last: 18 }],
      closedBy: 'rows',
      createdAt: sampleAt(9).createdAt,
      lineage: {
        models: ['test/base', 'test/instruct'],
        promptIds: ['bare.draft/1', 'bare.refine/1'],
        promptTokens: samples.reduce((sum, sample) => sum + sample.lineage.promptTokens, 0),
        completionTokens: 500,
        cost: null,
      },
    });
    expect(made?.statistics.labels).toEqual({ money: 3, time: 3 });
    expect(made?.statistics.mmd2).toBe(0.25);
    expect(made?.statistics.meanCosine).toBeCloseTo(meanCosineByPairs(samples), 6);
  });

  test('has no mean cosine for one row, and knows the cost where all costs are known', async () => {
    const [made] = shardsOf(await run([sampleAt(1)], options(folder())));
    expect(made?.statistics.meanCosine).toBeNull();
    expect(made?.lineage.cost).toBe(0.001);
  });

  test('closes by bytes, counted before compression', async () => {
    const paths = async (compression: 'zstd' | 'none') =>
      shardsOf(await run(samplesTo(30), options(folder(), { rows: 1000, bytes: 3000, compression }))).map(
        ({ path, closedBy }) => [path, closedBy],
      );
    const zstd = await paths('zstd');
    expect(zstd.length).toBeGreaterThan(2);
    expect(zstd[0]?.[1]).toBe('bytes');
    expect(await paths('none')).toEqual(zstd);
  });

  test('closes by ticks, and hands complete ticks on behind the shard', async () => {
    const complete = tick('complete', 2);
    const inputs = [
      sampleAt(0),
      tick('interval', 1),
      tick('interval', 2),
      sampleAt(1),
      tick('target'),
      complete,
      complete,
    ];
    const outcomes = await run(inputs, options(folder()));
    expect(outcomes.map(({ kind, input }) => [kind, input.kind])).toEqual([
      ['emitted', 'sample'],
      ['absorbed', 'tick'],
      ['absorbed', 'tick'],
      ['absorbed', 'tick'],
      ['emitted', 'sample'],
      ['emitted', 'tick'],
      ['emitted', 'tick'],
    ]);
    expect(shardsOf(outcomes).map(({ closedBy }) => closedBy)).toEqual(['tick', 'complete']);
    expect(outcomes.at(-1)).toEqual({ kind: 'emitted', input: complete, outputs: [complete] });
  });

  test('hands a complete tick on when the last of its samples is here, over a restart too', async () => {
    const dir = folder();
    const complete: Tick = { ...tick('complete', 1), total: 3 };
    const before = await run(samplesTo(1), options(dir));
    const memory = new Map(before.flatMap(({ changes = [] }) => changes));
    const outcomes = await run([complete, sampleAt(1), sampleAt(2)], { ...options(dir), memory });
    expect(outcomes.map(({ kind, input }) => [kind, input.kind])).toEqual([
      ['absorbed', 'sample'],
      ['emitted', 'sample'],
      ['emitted', 'tick'],
    ]);
    expect(shardsOf(outcomes).map(({ closedBy, rows }) => [closedBy, rows])).toEqual([['complete', 2]]);
  });

  test('keeps a complete tick whose samples do not come for the next run', async () => {
    const complete: Tick = { ...tick('complete', 1), total: 3 };
    const outcomes = await run([complete, sampleAt(0)], options(folder()));
    expect(outcomes.map(({ input }) => input.kind)).toEqual(['sample']);
  });

  test('closes the rest when the source completes', async () => {
    const [made] = shardsOf(await run(samplesTo(3), options(folder())));
    expect(made).toMatchObject({ rows: 3, closedBy: 'drain' });
  });

  test('keeps the newest MMD in its memory', async () => {
    const outcomes = await run([correction(0.5), correction(-0.125)], options(folder()));
    expect(outcomes.map((outcome) => outcome.changes)).toEqual([[['mmd2', 0.5]], [['mmd2', -0.125]]]);
    const memory = new Map<string, unknown>([['mmd2', -0.125]]);
    expect(shardsOf(await run([sampleAt(0)], options(folder(), { memory })))[0]?.statistics.mmd2).toBe(-0.125);
    expect(shardsOf(await run([sampleAt(0)], options(folder())))[0]?.statistics.mmd2).toBeNull();
  });

  test('holds outcomes back until the file is there', async () => {
    const dir = folder();
    const source = new Subject<In>();
    const seen: number[] = [];
    const done = new Promise<void>((resolve, reject) => {
      source.pipe(shard(options(dir))).subscribe({
        next: () => seen.push(readdirSync(dir).filter((name) => name.endsWith('.parquet')).length),
        error: reject,
        complete: resolve,
      });
    });
    for (const sample of samplesTo(25)) source.next(sample);
    expect(seen).toEqual([]);
    source.complete();
    await done;
    expect(seen).toEqual([...Array(10).fill(1), ...Array(10).fill(2), ...Array(5).fill(3)]);
  });

  test('makes one dead letter of a sample that cannot be written', async () => {
    const dir = folder();
    const { embedding: _, ...bare } = sampleAt(1);
    const outcomes = await run([sampleAt(0), bare, sampleAt(2)], options(dir, { rows: 2 }));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['dead', 'absorbed', 'emitted']);
    expect(outcomes[0]).toMatchObject({ input: bare, code: 'value-unencodable' });
    expect(await parquetRows(join(dir, 'samples-0-00000000-00000004.parquet'))).toHaveLength(2);
  });

  test('writes the same files and records again', async () => {
    const dir = folder();
    const first = await run(samplesTo(25), options(dir));
    const bytes = readdirSync(dir).map((name) => readFileSync(join(dir, name), 'base64'));
    const second = await run(samplesTo(25), options(dir));
    expect(second).toEqual(first);
    expect(readdirSync(dir).map((name) => readFileSync(join(dir, name), 'base64'))).toEqual(bytes);
  });

  test('ends every input exactly once, whatever comes', async () => {
    const step = fc.constantFrom('sample', 'bad', 'interval', 'complete', 'correction');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), async (steps, rows) => {
        const inputs = steps.map((kind, index): In => {
          if (kind === 'sample') return sampleAt(index);
          if (kind === 'bad') return sampleAt(index, { weight: Number.NaN });
          return kind === 'correction' ? correction(index) : tick(kind === 'interval' ? 'interval' : 'complete', index);
        });
        const outcomes = await run(inputs, options(folder(), { rows }));
        expect(new Set(outcomes.map(({ input }) => input))).toEqual(new Set(inputs));
        expect(outcomes).toHaveLength(inputs.length);
        const rowsWritten = shardsOf(outcomes).reduce((sum, made) => sum + made.rows, 0);
        expect(rowsWritten).toBe(steps.filter((kind) => kind === 'sample').length);
      }),
      { numRuns: 20 },
    );
  });

  test('removes what a crash left, and nothing else', async () => {
    const dir = folder();
    const before = shardsOf(await run(samplesTo(10), options(dir)));
    const partial = '.samples-0-0badcafe.partial';
    const replaced = ['samples-0-00000020-00000024.parquet', 'samples-0-00000022-00000038.parquet'];
    const others = ['.samples-1-0badcafe.partial', 'samples-1-00000020-00000038.parquet', 'notes.txt'];
    const later = 'samples-0-00000030-00000038.parquet';
    for (const name of [partial, ...replaced, later, ...others]) writeFileSync(join(dir, name), 'x');
    const made = shardsOf(await run(samplesTo(15).slice(10), options(dir)));
    const shards = ['samples-0-00000000-00000018.parquet', 'samples-0-00000020-00000028.parquet'];
    expect(readdirSync(dir).toSorted()).toEqual([...others, ...replaced, later, ...shards].toSorted());
    await lastValueFrom(from([...before, ...made]).pipe(manifest({ dir })));
    expect(readdirSync(dir).toSorted()).toEqual([...others, later, ...shards, 'manifest.jsonl'].toSorted());
  });

  test('leaves the files of its successor, however late it begins', async () => {
    const dir = folder();
    const sleeper = new Subject<Sample>();
    const late = lastValueFrom(sleeper.pipe(shard(options(dir)), toArray()));
    const made = shardsOf(await run(samplesTo(10), options(dir)));
    const partial = '.samples-0-0badcafe.partial';
    writeFileSync(join(dir, partial), 'x');
    const file = readFileSync(join(dir, made[0]?.path ?? ''));
    for (const sample of samplesTo(4)) sleeper.next(sample);
    sleeper.complete();
    await late;
    expect(readFileSync(join(dir, made[0]?.path ?? ''))).toEqual(file);
    expect(readdirSync(dir)).toContain(partial);
  });

  test('refuses the folder of another run', async () => {
    const dir = folder();
    const made = shardsOf(await run(samplesTo(10), options(dir)));
    await lastValueFrom(from(made).pipe(manifest({ dir })));
    const before = readFileSync(join(dir, 'samples-0-00000000-00000018.parquet'));
    await expect(run(samplesTo(3), options(dir))).rejects.toMatchObject({ code: 'data-foreign' });
    expect(readFileSync(join(dir, 'samples-0-00000000-00000018.parquet'))).toEqual(before);
  });

  test('takes a backlog of many samples at once', async () => {
    const dir = folder();
    const outcomes = await run(samplesTo(12_000), options(dir, { rows: 7000 }));
    expect(outcomes).toHaveLength(12_000);
    expect(shardsOf(outcomes).map(({ rows }) => rows)).toEqual([7000, 5000]);
  });

  test('completes with an empty source and leaves no file', async () => {
    const dir = folder();
    expect(await lastValueFrom(EMPTY.pipe(shard(options(dir)), toArray()))).toEqual([]);
    expect(readdirSync(dir)).toEqual([]);
  });

  test.each([
    ['within a group', samplesTo(5)],
    ['while a shard is written', samplesTo(10)],
  ])('removes the file in progress when unsubscribed %s', async (_, inputs) => {
    const dir = folder();
    const subscription = concat(from(inputs), NEVER)
      .pipe(shard(options(dir)))
      .subscribe();
    await until(() => readdirSync(dir).some((name) => name.endsWith('.partial')));
    subscription.unsubscribe();
    expect(readdirSync(dir).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  test('begins no file when unsubscribed before the first', async () => {
    const dir = folder();
    const begun: string[] = [];
    const watcher = watch(dir, (_, name) => begun.push(name ?? ''));
    onTestFinished(() => watcher.close());
    const subscription = concat(from(samplesTo(5)), NEVER)
      .pipe(shard(options(dir)))
      .subscribe();
    subscription.unsubscribe();
    // Another operator in the same folder, begun later, is done: so the first one would have been.
    await run([sampleAt(7, { lane: 1 })], options(dir, { lane: 1 }));
    await until(() => begun.some((name) => name.endsWith('.parquet')));
    expect(begun.filter((name) => name.startsWith('.samples-0-'))).toEqual([]);
  });

  test('removes the file in progress when the source fails', async () => {
    const dir = folder();
    const failing = concat(
      of(sampleAt(0)),
      throwError(() => new Error('source failed')),
    );
    await expect(lastValueFrom(failing.pipe(shard(options(dir))))).rejects.toThrow('source failed');
    expect(readdirSync(dir)).toEqual([]);
  });

  test('fails when the disk is full, and when the folder cannot be written', async () => {
    const long = Array.from({ length: 400 }, (_, index) =>
      sampleAt(index, { fields: { question: recordId('q', index).repeat(400), answer: '' } }),
    );
    const small = options(mounted('size=1m'), { compression: 'none', rows: 1000 });
    await expect(run(long, small)).rejects.toMatchObject({ code: 'store-full' });
    expect(readdirSync(small.dir)).toEqual([]);
    await expect(run(long, options(mounted('ro')))).rejects.toMatchObject({ code: 'store-unwritable' });
  });

  test('checks its options, and that it knows every position', async () => {
    expect(() => shard(options('out', { rows: 0 }))).toThrow('shard: expected rows to be at least 1, got 0');
    expect(() => shard(options('out', { bytes: Number.NaN }))).toThrow(/bytes/);
    await expect(run([sampleAt(0)], options(folder(), { positionOf: () => undefined }))).rejects.toThrow(/no position/);
  });
});

/** The slow way: every pair. */
function meanCosineByPairs(samples: readonly Sample[]): number {
  let sum = 0;
  for (const [i, a] of samples.entries()) {
    for (const [j, b] of samples.entries()) {
      if (i !== j) sum += [...(a.embedding ?? [])].reduce((dot, value, k) => dot + value * (b.embedding?.[k] ?? 0), 0);
    }
  }
  return sum / (samples.length * (samples.length - 1));
}
