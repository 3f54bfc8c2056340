import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';

import { Field, Float16, Float32, Float64, Int32, Int64, List, Table, tableToIPC, vectorFromArray } from 'apache-arrow';
import { Table as ParquetTable, writeParquet } from 'parquet-wasm/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type CompareOptions, compareFiles } from '../../../cli/compare/compare-files.js';
import type { Comparison } from '../../../cli/compare/comparison.js';
import { comparisonTable } from '../../../cli/compare/render-comparison.js';
import { biasedMmd2, unbiasedMmd2 } from '../../../operators/kernels/mmd/mmd.js';
import { stack } from '../../../operators/kernels/points.js';
import { randomFrom } from '../../../operators/kernels/random.js';
import { HashingEmbedder } from '../../operators/synalign/hashing-embedder.js';

let base = '';
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'headwater-compare-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

const vocabulary = 'hen egg farm day sells market dollar week shop apple train hour bus school pupil book'.split(' ');

/** Texts of eight words that the seed determines. */
function texts(count: number, seed: number, words: readonly string[] = vocabulary): readonly string[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () =>
    Array.from({ length: 8 }, () => words[random.below(words.length)]).join(' '),
  );
}

async function file(name: string, rows: readonly unknown[]): Promise<string> {
  await writeFile(join(base, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return name;
}

const records = (all: readonly string[]) => all.map((text) => ({ text }));

/** The comparison with one synthetic file. */
async function compared(real: string, synthetic: string, options: Partial<CompareOptions> = {}): Promise<Comparison> {
  const [comparison] = await compareFiles(real, [synthetic], {
    base,
    openEmbedder: async () => new HashingEmbedder(),
    signal: new AbortController().signal,
    // a thread less, where the p-value is not what matters
    permutations: 0,
    ...options,
  });
  if (comparison === undefined) throw new Error('nothing was compared');
  return comparison;
}

async function refused(real: string, synthetic: string, options: Partial<CompareOptions> = {}): Promise<string> {
  const error: unknown = await compared(real, synthetic, options).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'HeadwaterError', code: 'input-unreadable' });
  return error instanceof Error ? error.message : '';
}

describe('figures', () => {
  test('a file against itself: covered wholly, every record a copy, no distance', async () => {
    const name = await file('self.jsonl', records(texts(200, 1)));
    const { real, synthetic, coverage, copies, nearestReal, mmd2, embedder, neighbours } = await compared(name, name);
    expect(real).toEqual(synthetic);
    expect(real).toMatchObject({ file: name, count: 200, sampled: 200, vendiRecords: 200, meanWords: 8 });
    expect([coverage, copies.exact, copies.near, copies.close]).toEqual([1, 200, 0, 200]);
    expect(nearestReal.median).toBeCloseTo(1, 6);
    expect(mmd2.biased).toBeCloseTo(0, 6);
    expect([embedder, neighbours]).toEqual(['test/hashing@16', 5]);
  });

  test('duplicates within, and copies of real: exact and near apart', async () => {
    const long = texts(60, 2).map((text, i) => `${text} number ${i} ${text} and that is all of record ${i}`);
    const real = await file('long.jsonl', records(long));
    const other = texts(30, 9).map((text, i) => `quite another ${i} ${text}`);
    const [copy = '', near = ''] = long;
    const made = await file('made.jsonl', records([...other, copy, `${near} too`, other[0] ?? '', `${near} too`]));
    const { synthetic, copies } = await compared(real, made);
    expect(synthetic).toMatchObject({ count: 34, exactDuplicates: 2, nearDuplicates: 0 });
    expect([copies.exact, copies.near]).toEqual([1, 2]);
  });

  test('the MMD is that of the exact kernel, whatever the sizes', async () => {
    const [a, b] = [texts(150, 3), texts(90, 4, vocabulary.slice(0, 8))];
    const { mmd2, kernel } = await compared(await file('a.jsonl', records(a)), await file('b.jsonl', records(b)));
    const embedder = new HashingEmbedder();
    const [x, y] = [stack(await embedder.embed(a)), stack(await embedder.embed(b))];
    const bandwidth = kernel.bandwidth ?? Number.NaN;
    expect(mmd2.unbiased).toBeCloseTo(unbiasedMmd2(x, y, bandwidth), 6);
    expect(mmd2.biased).toBeCloseTo(biasedMmd2(x, y, bandwidth), 6);
    expect(mmd2.unbiased).toBeGreaterThan(0.005);
  });

  test('the p-value is near 0 where files differ, not where they do not, and null where it is not asked for', async () => {
    const real = await file('p-real.jsonl', records(texts(120, 3)));
    const same = await compared(real, await file('p-same.jsonl', records(texts(100, 4))), { permutations: 199 });
    const poor = await file('p-poor.jsonl', records(texts(100, 5, vocabulary.slice(0, 8))));
    const other = await compared(real, poor, { permutations: 199 });
    expect(same).toMatchObject({ permutations: 199, permuted: { real: 120, synthetic: 100 } });
    expect(same.pValue).toBeGreaterThan(0.05);
    expect(other.pValue).toBe(1 / 200);
    expect(comparisonTable([other])).toMatch(/^p-value +0\.0050\n.*199 permutations$/m);
    const none = await compared(real, poor, { permutations: 0 });
    expect(none).toMatchObject({ pValue: null, permutations: 0, permuted: null, mmd2: other.mmd2 });
    expect(comparisonTable([none])).toMatch(/^p-value +-\n.*--permutations/m);
  });

  test('kernel and bandwidth are those that were asked for', async () => {
    const [a, b] = [texts(60, 3), texts(50, 4, vocabulary.slice(0, 8))];
    const [real, made] = [await file('k-a.jsonl', records(a)), await file('k-b.jsonl', records(b))];
    const embedder = new HashingEmbedder();
    const [x, y] = [stack(await embedder.embed(a)), stack(await embedder.embed(b))];
    const fixed = await compared(real, made, { bandwidth: 0.4, permutations: 19 });
    expect(fixed.kernel).toEqual({ name: 'rbf', bandwidth: 0.4 });
    expect(fixed.mmd2.unbiased).toBeCloseTo(unbiasedMmd2(x, y, 0.4), 6);
    const linear = await compared(real, made, { kernel: 'linear', permutations: 19 });
    expect(linear.kernel).toEqual({ name: 'linear', bandwidth: null });
    expect(linear.mmd2.unbiased).toBeCloseTo(unbiasedMmd2(x, y, { name: 'linear' }), 6);
    expect(linear.mmd2.biased).toBeCloseTo(biasedMmd2(x, y, { name: 'linear' }), 6);
    expect(comparisonTable([linear])).toContain('MMD² by the linear kernel');
    const median = await compared(real, made, { bandwidth: 'median', permutations: 0 });
    const usual = await compared(real, made, { permutations: 0 });
    expect({ ...median, seconds: 0 }).toEqual({ ...usual, seconds: 0 });
  });

  test.each([
    [{ permutations: -1 }, '--permutations: expected a whole number from 0'],
    [{ permutations: 2.5 }, '--permutations: expected a whole number from 0'],
    [{ bandwidth: 0 }, '--bandwidth: expected a positive number or median, got 0'],
    [{ bandwidth: Number.NaN }, '--bandwidth: expected a positive number or median'],
    [{ kernel: 'linear', bandwidth: 1 }, '--bandwidth: the linear kernel has none'],
  ] as const)('refuses %j', async (options, message) => {
    const real = await file('r.jsonl', records(texts(10, 1)));
    const error: unknown = await compared(real, real, options).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'recipe-invalid', message: expect.stringContaining(message) });
  });

  test('records that are all equal: no distance, and a p-value of 1', async () => {
    const real = await file('equal.jsonl', records(new Array(12).fill('hen egg farm')));
    const { mmd2, pValue, kernel } = await compared(real, real, { permutations: 99 });
    expect([mmd2.unbiased, pValue]).toEqual([expect.closeTo(0, 6), 1]);
    expect(kernel).toEqual({ name: 'rbf', bandwidth: 1 });
  });

  test('fewer kinds of words: less diversity and less coverage', async () => {
    const real = await file('a.jsonl', records(texts(150, 3)));
    const poor = await compared(real, await file('poor.jsonl', records(texts(150, 5, vocabulary.slice(0, 5)))));
    const good = await compared(real, await file('good.jsonl', records(texts(150, 6))));
    expect(poor.synthetic.meanCosine).toBeGreaterThan(good.synthetic.meanCosine + 0.1);
    expect(poor.synthetic.vendi).toBeLessThan(good.synthetic.vendi - 1);
    expect(poor.synthetic.distinct2).toBeLessThan(good.synthetic.distinct2 ?? 0);
    expect(poor.coverage).toBeLessThan(0.5);
    expect(Math.abs(good.coverage - good.coverageExpected)).toBeLessThan(4 * good.coverageError + 0.02);
  });

  test('several files against one real file, as the same command would one by one', async () => {
    const real = await file('a.jsonl', records(texts(150, 3)));
    const files = [await file('b.jsonl', records(texts(90, 4))), await file('c.jsonl', records(texts(4, 5)))];
    const openEmbedder = async () => new HashingEmbedder();
    const options = { base, openEmbedder, permutations: 0, signal: new AbortController().signal };
    const together = await compareFiles(real, files, options);
    for (const [i, name] of files.entries()) {
      const { seconds, ...alone } = await compared(real, name);
      expect(together[i]).toMatchObject(alone);
      expect(seconds).toBeGreaterThan(0);
    }
    // the tiny file has three neighbours at most
    expect(together.map(({ neighbours }) => neighbours)).toEqual([5, 3]);
    expect(comparisonTable(together)).toMatch(/real +b\.jsonl +c\.jsonl/);
  });

  test('of larger files, pairs are those of a sample that the seed draws', async () => {
    const real = await file('a.jsonl', records(texts(150, 3)));
    const made = await file('b.jsonl', records(texts(90, 4)));
    const one = await compared(real, made, { sample: 50, seed: 4 });
    const { seconds: _, ...again } = await compared(real, made, { sample: 50, seed: 4 });
    expect(one).toMatchObject(again);
    expect([one.real.count, one.real.sampled, one.synthetic.sampled]).toEqual([150, 50, 50]);
    const whole = await compared(real, made);
    expect(one.real.meanCosine).toBe(whole.real.meanCosine);
    expect(one.real.vendi).toBe(whole.real.vendi);
    expect((await compared(real, made, { sample: 50, seed: 5 })).nearestReal.mean).not.toBe(one.nearestReal.mean);
    expect(comparisonTable([one])).toContain('Figures of pairs are those of 50 records of a.jsonl (--sample).');
  });

  test('each file draws rows of its own, so that of a larger one against itself only part are copies', async () => {
    const real = await file('a.jsonl', records(texts(150, 3)));
    expect(await compared(real, real)).toMatchObject({ coverage: 1, copies: { close: 150 } });
    const { coverage, copies, nearestReal } = await compared(real, real, { sample: 50, seed: 4 });
    // each of the 50 is among the other 50 of 150 with a chance of a third
    expect(copies.close).toBeGreaterThanOrEqual(6);
    expect(copies.close).toBeLessThan(30);
    expect(nearestReal.mean).toBeLessThan(0.999);
    expect(coverage).toBeGreaterThan(0.6);
  });
});

describe('fields', () => {
  const rows = (count: number, seed: number) =>
    texts(count, seed).map((text, i) => ({ id: `id-${i}`, question: text, label: 'x', answer: `the ${text}`, n: i }));

  test('are those of both files but ids and labels, joined by a line break', async () => {
    const real = await file('qa.jsonl', rows(20, 1));
    const made = await file(
      'qa2.jsonl',
      rows(20, 2).map(({ answer, question, id }) => ({ id, answer, question })),
    );
    const embedder = new HashingEmbedder();
    const { fields } = await compared(real, made, { openEmbedder: async () => embedder });
    expect(fields).toEqual(['question', 'answer']);
    const [first] = texts(20, 1);
    expect(embedder.batches[0]?.[0]).toBe(`${first}\nthe ${first}`);
    expect((await compared(real, made, { fields: ['answer'] })).fields).toEqual(['answer']);
  });

  test('`text` alone where both have it; a line of plain text stands for whichever is named', async () => {
    const both = await file(
      'both.jsonl',
      texts(20, 1).map((text) => ({ title: 'A title', text })),
    );
    expect((await compared(both, both)).fields).toEqual(['text']);
    await writeFile(join(base, 'plain.txt'), texts(20, 1).join('\n'));
    const { copies, fields } = await compared('plain.txt', both);
    expect([copies.exact, fields]).toEqual([20, ['text']]);
    const answers = await file('qa.jsonl', rows(20, 1));
    expect((await compared(answers, 'plain.txt', { fields: ['question'] })).copies.exact).toBe(20);
  });

  test('Parquet and standard input have the same figures as JSON lines', async () => {
    const real = await file('a.jsonl', records(texts(150, 3)));
    const made = texts(90, 4);
    const { seconds: _, ...expected } = await compared(real, await file('b.jsonl', records(made)));
    const table = ParquetTable.fromIPCStream(tableToIPC(new Table({ text: vectorFromArray(made) }), 'stream'));
    await writeFile(join(base, 'b.parquet'), writeParquet(table));
    const parquet = await compared(real, 'b.parquet');
    expect(parquet).toMatchObject({ ...expected, synthetic: { ...expected.synthetic, file: 'b.parquet' } });
    const stdin = Readable.from([Buffer.from(made.join('\n'))]);
    const piped = await compared(real, '-', { stdin });
    expect(piped).toMatchObject({ ...expected, synthetic: { ...expected.synthetic, file: '-' } });
  });

  test('what is missing is named, with what is there', async () => {
    const real = await file('qa.jsonl', rows(20, 1));
    const other = await file('other.jsonl', [{ prompt: 'Hello there' }, { prompt: 'Good day' }]);
    expect(await refused(real, other, { fields: ['question'] })).toBe(
      "other.jsonl has no field 'question': it has prompt; name one of them with --field",
    );
    expect(await refused(real, other)).toMatch(
      /no text field in common: qa\.jsonl has id, question.*other\.jsonl has prompt/,
    );
  });
});

describe('records that cannot be compared', () => {
  test('are skipped, counted by reason, and shown', async () => {
    const good = records(texts(10, 1));
    const name = await file('skips.jsonl', [
      ...good,
      { text: ' ' },
      { other: 1 },
      [1],
      { text: { a: 1 } },
      { text: '!?' },
    ]);
    await writeFile(join(base, name), '{"text": "cut', { flag: 'a' });
    const comparison = await compared(await file('good.jsonl', good), name);
    expect(comparison.synthetic.count).toBe(10);
    expect(comparison.synthetic.skipped).toMatchObject({
      count: 6,
      reasons: {
        'text-empty': 1,
        'field-missing': 1,
        'not-an-object': 1,
        'field-not-text': 1,
        'no-words': 1,
        'record-undecodable': 1,
      },
    });
    expect(comparison.synthetic.skipped.first).toHaveLength(5);
    expect(comparisonTable([comparison])).toContain('6 skipped: ');
  });

  test('fewer than two are refused, with an example of why', async () => {
    const good = await file('good.jsonl', records(texts(10, 1)));
    const one = await file('one.jsonl', [{ text: 'Only this' }, { text: '' }]);
    expect(await refused(good, one)).toMatch(
      /one\.jsonl has 1 records to compare, and at least 2.*such as .*one\.jsonl:2: its text is empty/,
    );
  });

  test('lone surrogates, NULs and huge texts do no harm', async () => {
    const odd = ['\ud800 lone', 'a\u0000b c', 'word '.repeat(200_000), '<b>bold</b>', 'ordinary text'];
    const name = await file('odd.jsonl', records(odd));
    expect((await compared(name, name)).real).toMatchObject({ count: 5, exactDuplicates: 0 });
  });

  test('at most one file is standard input, and a sample has two records', async () => {
    expect(await refused('-', '-')).toContain('standard input (-) can be one of the files only');
    const good = await file('good.jsonl', records(texts(10, 1)));
    await expect(compared(good, good, { sample: 1 })).rejects.toThrow(
      '--sample: expected a whole number from 2, got 1',
    );
  });

  test('an abort ends it with its reason, while a file is read, pairs are made or records dealt out', async () => {
    const name = await file('a.jsonl', records(texts(150, 3)));
    for (const phase of ['reading', 'pairs', 'permutations'] as const) {
      const { signal, abort } = aborting();
      const watch = { [phase]: () => abort(`enough of ${phase}`) };
      // enough for them to outlast the pairs
      const permutations = phase === 'permutations' ? 300_000 : 100;
      await expect(compared(name, name, { signal, permutations, watch })).rejects.toThrow(`enough of ${phase}`);
    }
  });
});

function aborting(): { readonly signal: AbortSignal; abort(reason: string): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort(new Error(reason)) };
}

test('a synthetic file that cannot be read ends the threads that make pairs', async () => {
  const real = await file('many.jsonl', records(texts(4000, 1)));
  const bad = await file('only-one.jsonl', records(texts(1, 1)));
  const started = once(process, 'worker');
  const outcome = started.then(([worker]) => {
    if (!(worker instanceof Worker)) throw new TypeError('no worker was started');
    return Promise.race([once(worker, 'message').then(() => 'went on'), once(worker, 'exit').then(() => 'ended')]);
  });
  expect(await refused(real, bad)).toContain('only-one.jsonl has 1 records');
  expect(await outcome).toBe('ended');
});

describe('ready-made vectors', () => {
  const row = (text: string, vector: unknown) => ({ text, vector });
  const angles = (count: number, seed: number) => {
    const random = randomFrom(seed);
    return Array.from({ length: count }, () => 2 * Math.PI * random.float());
  };
  const rows = (count: number, seed: number, length = 1) =>
    angles(count, seed).map((angle, i) => row(`text ${i}`, [length * Math.cos(angle), length * Math.sin(angle)]));
  const noEmbedder = { vectors: 'vector', openEmbedder: () => Promise.reject(new Error('it was opened')) };

  test('need no embedder, and are scaled to unit norm, which is said', async () => {
    const real = await file('v.jsonl', rows(40, 1));
    const unit = await compared(real, await file('w.jsonl', rows(30, 2)), noEmbedder);
    const long = await compared(real, await file('long-v.jsonl', rows(30, 2, 7)), noEmbedder);
    expect(unit).toMatchObject({ vectors: 'vector', embedder: null, fields: ['text'] });
    expect([unit.synthetic.normalised, long.synthetic.normalised]).toEqual([0, 30]);
    expect(long.coverage).toBe(unit.coverage);
    expect(long.synthetic.meanCosine).toBeCloseTo(unit.synthetic.meanCosine, 6);
    expect(comparisonTable([long])).toContain('30 vectors were scaled to unit norm');
  });

  test('of any type of number in Arrow files, whole numbers and half floats too', async () => {
    const vectors = Array.from({ length: 12 }, (_, i) => [i + 1, 2 * i, 3]);
    const real = await file(
      'w3.jsonl',
      vectors.map((vector) => row('text', vector)),
    );
    const { seconds: _, ...expected } = await compared(real, real, noEmbedder);
    for (const [name, type] of Object.entries({
      int: new Int32(),
      long: new Int64(),
      half: new Float16(),
      double: new Float64(),
    })) {
      const items = vectors.map((vector) => (name === 'long' ? vector.map(BigInt) : vector));
      const column = vectorFromArray(items, new List(new Field('item', type)));
      const table = new Table({ text: vectorFromArray(vectors.map(() => 'text')), vector: column });
      await writeFile(join(base, `${name}.arrow`), tableToIPC(table, 'file'));
      const arrow = await compared(real, `${name}.arrow`, noEmbedder);
      expect(arrow).toMatchObject({ ...expected, synthetic: { ...expected.synthetic, file: `${name}.arrow` } });
    }
    const gaps = vectorFromArray(
      [
        [1, null, 2],
        [1, 2, 3],
      ],
      new List(new Field('item', new Float32(), true)),
    );
    await writeFile(
      join(base, 'gaps.arrow'),
      tableToIPC(new Table({ text: vectorFromArray(['a', 'b']), vector: gaps }), 'file'),
    );
    expect(await refused(real, 'gaps.arrow', noEmbedder)).toMatch(/number 1 of 'vector' is null/);
  });

  test('alone, without texts, leave the figures of texts out', async () => {
    const bare = await file(
      'bare.jsonl',
      rows(40, 1).map(({ vector }) => ({ vector })),
    );
    const { real, copies } = await compared(bare, bare, noEmbedder);
    expect(real).toMatchObject({
      count: 40,
      distinct2: null,
      exactDuplicates: null,
      nearDuplicates: null,
      meanWords: null,
    });
    expect(copies).toMatchObject({ exact: null, near: null, close: 40 });
  });

  test.each([
    ['another length', [1, 2, 3], /bad\.jsonl:3: 'vector' has 3 numbers, and the first vector has 2/],
    [
      'null, as which JSON writes NaN',
      [1, null],
      /bad\.jsonl:3: number 1 of 'vector' is null: expected finite numbers/,
    ],
    ['a text in it', [1, 'x'], /number 1 of 'vector' is "x"/],
    ['no list', 'far', /bad\.jsonl:3: 'vector' is not a list of numbers/],
    ['an empty list', [], /bad\.jsonl:3: 'vector' is not a list of numbers/],
  ])('of %s are refused with their place', async (_, vector, message) => {
    const real = await file('v.jsonl', rows(40, 1));
    const bad = await file('bad.jsonl', [...rows(2, 2), row('bad', vector), ...rows(9, 3)]);
    expect(await refused(real, bad, noEmbedder)).toMatch(message);
  });

  test('of two models are refused', async () => {
    const real = await file('v.jsonl', rows(40, 1));
    const other = await file(
      'three.jsonl',
      Array.from({ length: 9 }, (_, i) => row(`t ${i}`, [1, i, 2])),
    );
    expect(await refused(real, other, noEmbedder)).toMatch(
      /vectors of v\.jsonl have 2 numbers and those of three\.jsonl 3/,
    );
  });

  test('of a column that is not there, or holds texts, are refused with those that are', async () => {
    const real = await file('v.jsonl', rows(40, 1));
    expect(await refused(real, real, { vectors: 'embedding' })).toMatch(
      /v\.jsonl has no column 'embedding': vectors are in vector; name one with --vectors/,
    );
    expect(await refused(real, real, { vectors: 'text' })).toContain("has texts in 'text', not lists of numbers");
  });

  test('without direction, and records without one, are skipped', async () => {
    const real = await file('v.jsonl', rows(40, 1));
    const gaps = await file('gaps.jsonl', [...rows(9, 2), row('zero', [0, 0]), { text: 'none' }]);
    const { synthetic } = await compared(real, gaps, noEmbedder);
    expect(synthetic.skipped.reasons).toEqual({ 'vector-zero': 1, 'vector-missing': 1 });
  });
});
