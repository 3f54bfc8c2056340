import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { tableFromIPC } from 'apache-arrow';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, describe, expect, test } from 'vitest';

import { alignFiles } from '../../../cli/align/align-files.js';
import type { AlignOptions } from '../../../cli/align/align-options.js';
import type { Alignment } from '../../../cli/align/alignment.js';
import { alignmentTable } from '../../../cli/align/render-alignment.js';
import { weightedMmd2 } from '../../../operators/kernels/mmd/mmd.js';
import { stack } from '../../../operators/kernels/points.js';
import { randomFrom } from '../../../operators/kernels/random.js';
import { HashingEmbedder } from '../../operators/synalign/hashing-embedder.js';
import { startedThreads } from '../threads/started-threads.js';

const base = mkdtempSync(join(tmpdir(), 'headwater-align-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Row {
  readonly label?: string;
  readonly vector: readonly number[];
}

const dimensions = 8;
const centres = ((random) =>
  Array.from({ length: 3 }, () => Array.from({ length: dimensions }, () => random.gaussian())))(randomFrom(1));

/** Records of three kinds, their shares by these parts; every vector of unit norm to five digits. */
function records(seed: number, count: number, parts: readonly number[]): readonly Required<Row>[] {
  const random = randomFrom(seed);
  const total = parts.reduce((sum, part) => sum + part, 0);
  return Array.from({ length: count }, () => {
    let rest = random.float() * total;
    const kind = parts.findIndex((part) => {
      rest -= part;
      return rest < 0;
    });
    const vector = (centres[kind] ?? []).map((value) => value + 0.6 * random.gaussian());
    const norm = Math.hypot(...vector);
    return { label: `kind ${kind}`, vector: vector.map((value) => value / norm) };
  });
}

function file(name: string, rows: readonly unknown[]): string {
  writeFileSync(join(base, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return name;
}

const realRows = records(1, 300, [5, 3, 2]);
const madeRows = records(2, 240, [1, 2, 9]);
const real = file('real.jsonl', realRows);
const made = file('made.jsonl', madeRows);

function aligned(a: string, b: string, options: Partial<AlignOptions> = {}): Promise<Alignment> {
  return alignFiles(a, b, {
    base,
    ...(options.fields === undefined ? { vectors: 'vector' } : {}),
    openEmbedder: async () => new HashingEmbedder(),
    signal: new AbortController().signal,
    ...options,
  });
}

async function weightsOf(a: string, b: string, options: Partial<AlignOptions> = {}) {
  const alignment = await aligned(a, b, { out: 'weights.jsonl', ...options });
  const lines = (await readFile(join(base, 'weights.jsonl'), 'utf8')).trimEnd().split('\n');
  const rows = lines.map((line): { index: number; weight: number } => JSON.parse(line));
  return { alignment, rows, weights: rows.map(({ weight }) => weight) };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

async function refused(a: string, b: string, options: Partial<AlignOptions> = {}): Promise<string> {
  const error: unknown = await aligned(a, b, options).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'HeadwaterError' });
  return error instanceof Error ? error.message : '';
}

describe('weights', () => {
  test('bring the candidates to the real records, and are as the document says', async () => {
    const { alignment, rows, weights } = await weightsOf(real, made);
    const { count, mmd2Before, mmd2After, maxWeight, effectiveSampleSize, kernel, gap } = alignment;
    expect(count).toBe(240);
    expect(rows.map(({ index }) => index)).toEqual(Array.from({ length: 240 }, (_, i) => i));
    expect(mean(weights)).toBeCloseTo(1, 9);
    expect(Math.max(...weights)).toBe(maxWeight);
    expect(effectiveSampleSize).toBeCloseTo(240 ** 2 / weights.reduce((sum, w) => sum + w * w, 0), 6);
    expect(gap).toBeLessThanOrEqual(1e-7);
    expect(alignment).toMatchObject({
      labels: null,
      frequencies: null,
      together: 240,
      resampled: null,
      embedder: null,
    });
    const [x, y] = [realRows, madeRows].map((of) => stack(of.map(({ vector }) => vector)));
    if (x === undefined || y === undefined) throw new Error('there are two files');
    const distance = (w: readonly number[]) =>
      weightedMmd2(
        x,
        y,
        Float64Array.from(w, (value) => value / 240),
        kernel.bandwidth,
      );
    expect(mmd2Before).toBeCloseTo(distance(new Array<number>(240).fill(1)), 5);
    expect(mmd2After).toBeCloseTo(distance(weights), 5);
    expect(mmd2After).toBeLessThan(0.1 * mmd2Before);
  });

  test('without labels the kernel alone restores the shares of the kinds', async () => {
    const { weights } = await weightsOf(real, made, { regularization: 1e-4 });
    for (const kind of ['kind 0', 'kind 1', 'kind 2']) {
      const share = mean(weights.map((weight, i) => (madeRows[i]?.label === kind ? weight : 0)));
      const expected = realRows.filter(({ label }) => label === kind).length / 300;
      expect(Math.abs(share - expected)).toBeLessThan(0.04);
    }
  });

  test('with labels their shares are exactly those of the real records', async () => {
    const { alignment, weights } = await weightsOf(real, made, { by: 'label' });
    expect(alignment.labels?.map(({ label }) => label)).toEqual(['kind 0', 'kind 1', 'kind 2']);
    for (const { label, real: share, after, before, count, effectiveSampleSize } of alignment.labels ?? []) {
      const own = weights.filter((_, i) => madeRows[i]?.label === label);
      expect(after).toBeCloseTo(share, 9);
      expect(own.reduce((sum, weight) => sum + weight, 0) / 240).toBeCloseTo(share, 9);
      expect([own.length, own.length / 240]).toEqual([count, before]);
      expect(effectiveSampleSize).toBeGreaterThanOrEqual(0.2 * count * (1 - 1e-6));
    }
  });

  test('a label that one side lacks is reported: it weighs 0, or the others share its part', async () => {
    const rows = [
      ...madeRows.filter(({ label }) => label !== 'kind 1'),
      ...madeRows.map((row) => ({ ...row, label: 'new' })),
    ];
    const { alignment, weights } = await weightsOf(real, file('other.jsonl', rows), { by: 'label' });
    const of = new Map(alignment.labels?.map((shares) => [shares.label, shares]));
    expect(of.get('new')).toMatchObject({ real: 0, after: 0, count: 240, effectiveSampleSize: null });
    expect(of.get('kind 1')).toMatchObject({ before: 0, after: 0, count: 0 });
    const [first, last] = [of.get('kind 0'), of.get('kind 2')];
    expect((first?.after ?? 0) + (last?.after ?? 0)).toBeCloseTo(1, 9);
    expect((first?.after ?? 0) / (last?.after ?? 1)).toBeCloseTo((first?.real ?? 0) / (last?.real ?? 1), 9);
    expect(mean(weights)).toBeCloseTo(1, 9);
    const table = alignmentTable(alignment);
    expect(table).toContain("no real record has the label 'new': such candidates weigh 0");
    expect(table).toContain("no candidate has the label 'kind 1': the other labels share its part");
  });

  test('the cap, the ridge and the floor hold', async () => {
    expect((await aligned(real, made, { cap: 2 })).maxWeight).toBeLessThanOrEqual(2 * (1 + 1e-9));
    const even = await aligned(real, made, { regularization: 1000 });
    expect(even.effectiveSampleSize).toBeGreaterThan(239);
    const floored = await aligned(real, made, { minEffectiveShare: 0.8 });
    expect(floored.effectiveSampleSize).toBeGreaterThanOrEqual(0.8 * 240 * (1 - 1e-6));
    expect(floored.regularization).toBeGreaterThan(1e-4);
  });

  test('projections match the mean, and are judged by the kernel', async () => {
    const { mmd2Before, mmd2After, kernel, objective } = await aligned(real, made, { objective: 'projections' });
    expect([objective, kernel.name]).toEqual(['projections', 'rbf']);
    expect(mmd2After).toBeLessThan(0.3 * mmd2Before);
  });

  test('the bandwidth may be given, and the same seed gives the same weights', async () => {
    expect((await aligned(real, made, { bandwidth: 0.5 })).kernel.bandwidth).toBe(0.5);
    const [one, other] = [await weightsOf(real, made, { seed: 3 }), await weightsOf(real, made, { seed: 3 })];
    expect(one.weights).toEqual(other.weights);
  });
});

describe('large files', () => {
  test('real records beyond those that are held are sums: the same weights but for the frequencies', async () => {
    const exact = await weightsOf(real, made, { by: 'label' });
    const summed = await weightsOf(real, made, { by: 'label', held: 100, bandwidth: exact.alignment.kernel.bandwidth });
    expect(summed.alignment.frequencies).toBe(512);
    expect(summed.alignment.real.count).toBe(300);
    for (const [i, shares] of (summed.alignment.labels ?? []).entries()) {
      expect(shares.after).toBeCloseTo(exact.alignment.labels?.[i]?.real ?? Number.NaN, 9);
    }
    expect(Math.abs(summed.alignment.mmd2Before / exact.alignment.mmd2Before - 1)).toBeLessThan(0.15);
    expect(summed.alignment.mmd2After).toBeLessThan(0.15 * summed.alignment.mmd2Before);
  });

  test('candidates beyond those that are solved for are read off the solution', async () => {
    const many = records(5, 1500, [1, 2, 9]);
    const { alignment, rows, weights } = await weightsOf(real, file('many.jsonl', many), { sample: 500 });
    expect(alignment).toMatchObject({ count: 1500, together: 500, candidates: { count: 1500 } });
    expect(rows.map(({ index }) => index)).toEqual(Array.from({ length: 1500 }, (_, i) => i));
    expect(mean(weights)).toBeCloseTo(1, 9);
    for (const kind of ['kind 0', 'kind 1', 'kind 2']) {
      const share = mean(weights.map((weight, i) => (many[i]?.label === kind ? weight : 0)));
      const expected = realRows.filter(({ label }) => label === kind).length / 300;
      expect(Math.abs(share - expected)).toBeLessThan(0.06);
    }
    const labelled = await aligned(real, 'many.jsonl', { sample: 500, by: 'label' });
    for (const { real: share, after } of labelled.labels ?? []) expect(after).toBeCloseTo(share, 9);
  });

  test('the cap holds also where weights are read off the solution', async () => {
    const wanted = file('wanted.jsonl', records(10, 300, [8, 1, 1]));
    const unwanted = file('unwanted.jsonl', records(11, 800, [1, 8, 8]));
    for (const seed of [1, 2]) {
      const options = { sample: 60, seed, cap: 4, minEffectiveShare: 0 };
      const { weights } = await weightsOf(wanted, unwanted, options);
      expect(mean(weights)).toBeCloseTo(1, 9);
      expect(Math.max(...weights)).toBeGreaterThan(3);
      expect(Math.max(...weights)).toBeLessThanOrEqual(4 * (1 + 1e-9));
    }
  });

  test('a label that is rare among more candidates than are solved for has its share', async () => {
    const many = records(7, 400, [1, 0, 9]).map((row, n) => (n === 333 ? { ...row, label: 'kind 1' } : row));
    const { alignment, weights } = await weightsOf(real, file('rare.jsonl', many), { sample: 20, by: 'label' });
    const rare = alignment.labels?.find(({ label }) => label === 'kind 1');
    expect(rare).toMatchObject({ count: 1, before: 1 / 400, effectiveSampleSize: 1 });
    expect((weights[333] ?? 0) / 400).toBeCloseTo(rare?.real ?? Number.NaN, 9);
    for (const { real: share, after } of alignment.labels ?? []) expect(after).toBeCloseTo(share, 9);
    const { mmd2Before } = await aligned(real, 'rare.jsonl');
    expect(Math.abs(alignment.mmd2Before / mmd2Before - 1)).toBeLessThan(0.25);
  });

  test('more labels than candidates that are solved for are refused', async () => {
    const many = madeRows.map((row, n) => ({ ...row, label: n < 100 ? 'kind 0' : `kind ${n}` }));
    expect(await refused(real, file('labels.jsonl', many), { sample: 20, by: 'label' })).toMatch(
      /none of the 20 candidates .* has the label 'kind 1\d\d', as 'label' has 141 different ones: raise --sample to 141/,
    );
  });

  test('standard input is read once only', async () => {
    const stdin = async function* () {
      yield await readFile(join(base, made));
    };
    const piped = await aligned(real, '-', { stdin: stdin() });
    expect({ ...piped, candidates: null, seconds: 0 }).toEqual({
      ...(await aligned(real, made)),
      candidates: null,
      seconds: 0,
    });
    expect(await refused(real, '-', { stdin: stdin(), sample: 100 })).toContain('must be read twice');
    expect(await refused('-', '-')).toContain('one of the files only');
  });
});

describe('the file of weights', () => {
  test.each(['parquet', 'arrow', 'jsonl', 'csv'])('%s: index and weight, as int64 and float64', async (format) => {
    const expected = (await weightsOf(real, made)).rows;
    const path = join(base, `out.${format}`);
    await aligned(real, made, { out: `out.${format}` });
    expect(await readBack(path)).toEqual(expected);
    expect(readdirSync(base).filter((name) => name.includes('partial'))).toEqual([]);
  });

  test('--resample draws with replacement: counts are the weights rounded down or up', async () => {
    const { weights } = await weightsOf(real, made);
    const { alignment, rows } = await weightsOf(real, made, { resample: 120 });
    expect(rows.length).toBe(120);
    expect(rows.every(({ weight }) => weight === 1)).toBe(true);
    const counts = new Map<number, number>();
    for (const { index } of rows) counts.set(index, (counts.get(index) ?? 0) + 1);
    expect(alignment.resampled).toEqual({ count: 120, different: counts.size });
    for (const [i, weight] of weights.entries()) {
      const exact = (120 * weight) / 240;
      expect([Math.floor(exact + 1e-9), Math.ceil(exact - 1e-9), Math.floor(exact), Math.ceil(exact)]).toContain(
        counts.get(i) ?? 0,
      );
    }
  });

  test('--without-replacement draws each once, and no more than there are', async () => {
    const { rows, alignment } = await weightsOf(real, made, { resample: 40, withoutReplacement: true });
    const indexes = rows.map(({ index }) => index);
    expect(indexes).toEqual([...new Set(indexes)].toSorted((a, b) => a - b));
    expect(alignment.resampled).toEqual({ count: 40, different: 40 });
    expect(await refused(real, made, { resample: 241, withoutReplacement: true })).toMatch(/241 different candidates/);
    expect(await refused(real, made, { withoutReplacement: true })).toContain('--resample with it');
  });
});

describe('input', () => {
  test('texts are embedded; what has no words is skipped, and its row has no weight', async () => {
    const words = ['red', 'green', 'blue', 'black', 'white', 'grey', 'pink', 'brown'];
    const random = randomFrom(6);
    const texts = (count: number) =>
      Array.from({ length: count }, () => ({
        text: Array.from({ length: 4 }, () => words[random.below(8)]).join(' '),
      }));
    const a = file('texts.jsonl', texts(60));
    const b = file('drafts.jsonl', [{ text: '!!' }, ...texts(30), { other: 1 }, ...texts(5)]);
    const { alignment, rows } = await weightsOf(a, b, { fields: ['text'] });
    expect(alignment).toMatchObject({ count: 35, fields: ['text'], vectors: null, embedder: 'test/hashing@16' });
    expect(alignment.skipped.candidates).toMatchObject({ count: 2, reasons: { 'no-words': 1, 'field-missing': 1 } });
    expect(rows.map(({ index }) => index)).toEqual(
      [...Array(30).keys()].map((i) => i + 1).concat([32, 33, 34, 35, 36]),
    );
  });

  test('vectors that cannot be used', async () => {
    const bad = file('nan.jsonl', [madeRows[0], { vector: [1, null, 3, 4, 5, 6, 7, 8] }]);
    expect(await refused(real, bad)).toMatch(/nan\.jsonl:2: number 1 of 'vector' is null: expected finite/);
    const cut = file('cut.jsonl', [madeRows[0], { vector: [1, 2, 3] }]);
    expect(await refused(real, cut)).toMatch(/cut\.jsonl:2: 'vector' has 3 numbers, and the first vector has 8/);
    const short = file('short.jsonl', [{ vector: [1, 2, 3] }, { vector: [3, 2, 1] }]);
    expect(await refused(real, short)).toMatch(/real\.jsonl have 8 numbers and those of short\.jsonl 3: use one model/);
    const zero = file('zero.jsonl', [{ vector: [0, 0, 0, 0, 0, 0, 0, 0] }]);
    expect(await refused(real, zero)).toMatch(/zero\.jsonl has no record to use; 1 were skipped/);
  });

  test('one real record, one candidate, and records that are all equal', async () => {
    const one = file('one.jsonl', [realRows[0]]);
    expect(await refused(one, made)).toMatch(/1 record, which has no distances: give one with --bandwidth/);
    expect((await aligned(one, made, { bandwidth: 1 })).count).toBe(240);
    expect(await aligned(real, one)).toMatchObject({ count: 1, effectiveSampleSize: 1, maxWeight: 1 });
    const equal = file('equal.jsonl', Array<unknown>(20).fill(realRows[0]));
    const { mmd2After, effectiveSampleSize } = await aligned(equal, equal);
    expect(mmd2After).toBeLessThan(1e-6);
    expect(effectiveSampleSize).toBeCloseTo(20, 3);
  });

  test('labels that cannot be used', async () => {
    expect(await refused(real, made, { by: 'kind' })).toMatch(
      /real\.jsonl has no column 'kind' for --by: it has label, vector; name one/,
    );
    const others = file(
      'others.jsonl',
      madeRows.map((row) => ({ ...row, label: 'x' })),
    );
    expect(await refused(real, others, { by: 'label' })).toMatch(/no label of 'label' is in both files/);
    const some = file(
      'some.jsonl',
      madeRows.map(({ vector, label }, i) => (i === 3 ? { vector } : { vector, label })),
    );
    expect((await aligned(real, some, { by: 'label' })).skipped.candidates.reasons).toEqual({ 'label-missing': 1 });
  });

  test.each([
    [{ cap: 0.5 }, '--cap: expected a number from 1, got 0.5'],
    [{ regularization: -1 }, '--regularization: expected a number from 0 to 1000000, got -1'],
    [{ minEffectiveShare: 2 }, '--min-effective-share: expected a number from 0 to 1'],
    [{ resample: 0 }, '--resample: expected a whole number from 1'],
    [{ sample: 1 }, '--sample: expected a whole number from 2'],
    [{ regularization: 1e308 }, '--regularization: expected a number from 0 to 1000000, got 1e+308'],
    [{ bandwidth: 0 }, '--bandwidth: expected a number above 0'],
    [{ out: 'weights.txt' }, '--out: expected a file that ends in .parquet'],
  ])('%o is refused', async (options, message) => {
    expect(await refused(real, made, options)).toContain(message);
  });

  test('a folder that is not there is refused before anything is read', async () => {
    const read: string[] = [];
    const watch = { reading: (name: string) => void read.push(name) };
    const options = { out: 'no/such/folder/weights.csv', watch };
    const error = await aligned(real, made, options).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'store-unwritable',
      message: expect.stringMatching(/no folder .*such.folder/),
    });
    expect(read).toEqual([]);
  });

  test.each([
    ['a folder', 'taken.csv', 'store-unwritable', '--out: taken.csv is a folder'],
    [
      'the candidates',
      'own/made.jsonl',
      'recipe-invalid',
      'own/made.jsonl is read as a part of own/*.jsonl, and would be overwritten',
    ],
    ['the candidates by a link', 'link.jsonl', 'recipe-invalid', 'link.jsonl is read as a part of own/*.jsonl'],
    ['the real records', './own/../real.jsonl', 'recipe-invalid', 'is read as a part of real.jsonl'],
  ])('%s cannot become the file of weights: refused before anything is read', async (_, out, code, message) => {
    mkdirSync(join(base, 'taken.csv'), { recursive: true });
    mkdirSync(join(base, 'own'), { recursive: true });
    for (const name of ['made.jsonl', 'more.jsonl']) file(join('own', name), madeRows.slice(0, 20));
    rmSync(join(base, 'link.jsonl'), { force: true });
    symlinkSync(join(base, 'own', 'more.jsonl'), join(base, 'link.jsonl'));
    const before = ['real.jsonl', 'own/made.jsonl', 'own/more.jsonl'].map((name) => readFileSync(join(base, name)));
    const read: string[] = [];
    const watch = { chosen: () => void read.push('chosen'), reading: (name: string) => void read.push(name) };
    const error = await aligned(real, 'own/*.jsonl', { out, watch }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(read).toEqual([]);
    expect(['real.jsonl', 'own/made.jsonl', 'own/more.jsonl'].map((name) => readFileSync(join(base, name)))).toEqual(
      before,
    );
  });

  test('weights may take the place of a file that is not read', async () => {
    file('old.jsonl', [{ index: -1 }]);
    expect((await aligned(real, made, { out: 'old.jsonl' })).out).toBe('old.jsonl');
    expect(readFileSync(join(base, 'old.jsonl'), 'utf8')).not.toContain('-1');
  });

  test('the column of labels is not embedded', async () => {
    const rows = Array.from({ length: 12 }, (_, n) => ({ body: `body ${n}`, topic: 'a b'.split(' ')[n % 2] }));
    const name = file('mails.jsonl', rows);
    const embedder = new HashingEmbedder();
    const given = { by: 'topic', openEmbedder: async () => embedder, signal: new AbortController().signal };
    expect((await alignFiles(name, name, { base, ...given })).fields).toEqual(['body']);
    expect(embedder.batches.flat()[3]).toBe('body 3');
  });

  test('an interruption ends it', async () => {
    const stopped = new AbortController();
    const watch = { reading: () => stopped.abort(new Error('stopped')) };
    await expect(aligned(real, made, { signal: stopped.signal, watch })).rejects.toThrow('stopped');
  });
});

describe('large problems', () => {
  /** Wide vectors of two kinds, so that a solution takes a while. */
  const wide = (name: string, seed: number, count: number) => {
    const random = randomFrom(seed);
    const rows = Array.from({ length: count }, (_, n) => ({
      label: `kind ${n % 2}`,
      vector: Array.from({ length: 48 }, (_, i) => Math.round(1e4 * (random.gaussian() + (i === n % 2 ? 2 : 0)))),
    }));
    return file(name, rows);
  };

  test('an abort ends the thread that solves them, within a second and with its reason', async () => {
    const [a, b] = [wide('wide.jsonl', 1, 1200), wide('wide-made.jsonl', 2, 1200)];
    const threads = startedThreads();
    const stop = new AbortController();
    let stopped = Number.POSITIVE_INFINITY;
    const enough = () => {
      if (stop.signal.aborted) return;
      stopped = performance.now();
      stop.abort(new Error('enough'));
    };
    // hard to solve, as nearly all weights must be even
    const options = { regularization: 0, minEffectiveShare: 0.97, signal: stop.signal };
    const watch = { preparing: enough, solving: enough };
    await expect(aligned(a, b, { ...options, watch })).rejects.toThrow('enough');
    expect(performance.now() - stopped).toBeLessThan(1000);
    expect([threads.started > 0, threads.left]).toEqual([true, 0]);
  });

  test('labels are solved for beside one another, and progress is told of each', async () => {
    const [a, b] = [wide('wide.jsonl', 1, 1200), wide('wide-made.jsonl', 2, 1200)];
    const threads = startedThreads();
    const told = new Set<string | undefined>();
    const shares: number[] = [];
    const watch = {
      preparing: (label: string | undefined) => void told.add(label),
      solving: (label: string | undefined) => void told.add(label),
      measuring: (share: number) => void shares.push(share),
    };
    const options = { by: 'label', regularization: 0, minEffectiveShare: 0.97 };
    const { labels } = await aligned(a, b, { ...options, watch });
    // and a third one for the distances
    expect(threads).toMatchObject({ started: 3, left: 0 });
    expect([...told].toSorted()).toEqual(['kind 0', 'kind 1']);
    expect(shares).toEqual(shares.toSorted((x, y) => x - y));
    for (const { effectiveSampleSize, count } of labels ?? []) {
      expect(effectiveSampleSize).toBeGreaterThanOrEqual(0.97 * count * (1 - 1e-6));
    }
  });
});

async function readBack(path: string): Promise<readonly unknown[]> {
  const bytes = await readFile(path);
  if (path.endsWith('jsonl'))
    return bytes
      .toString()
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
  if (path.endsWith('csv')) {
    const [head, ...lines] = bytes.toString().trimEnd().split('\n');
    expect(head).toBe('index,weight');
    return lines.map((line) => {
      const [index, weight] = line.split(',').map(Number);
      return { index, weight };
    });
  }
  if (path.endsWith('parquet')) {
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
    expect(typeof rows[0]?.['index']).toBe('bigint');
    return rows.map((row) => ({ index: Number(row['index']), weight: row['weight'] }));
  }
  const table = tableFromIPC(bytes);
  expect(table.schema.fields.map(({ type }) => String(type))).toEqual(['Int64', 'Float64']);
  return table.toArray().map((row) => ({ index: Number(row.index), weight: row.weight }));
}

test('a table for people', async () => {
  const alignment = await aligned(real, made, { by: 'label', out: 'w.csv' });
  const table = alignmentTable(alignment);
  expect(table).toMatch(/^real +real\.jsonl, 300 records$/m);
  expect(table).toMatch(/^ +even +weighted$/m);
  expect(table).toMatch(/^MMD² +0\.\d+ +0\.\d+$/m);
  expect(table).toMatch(/^label +real +even +weighted +worth$/m);
  expect(table).toMatch(/^w\.csv: 240 rows of index and weight$/m);
});
