import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';

import { type ExploreFileOptions, exploreFile } from '../../../cli/explore/explore-file.js';
import { picksByLabel } from '../../../cli/explore/pick-by-label.js';
import { exploredTable } from '../../../cli/explore/render-explored.js';
import { inTurns } from '../../../cli/threads/compute.js';
import { inThread } from '../../../cli/threads/in-thread.js';
import { GreedyVariance } from '../../../operators/kernels/gaussian-process/greedy-variance.js';
import { medianHeuristic } from '../../../operators/kernels/mmd/median-heuristic.js';
import { stack } from '../../../operators/kernels/points.js';
import { randomFrom } from '../../../operators/kernels/random.js';
import { HashingEmbedder, unit } from '../../operators/synalign/hashing-embedder.js';
import { startedThreads } from '../threads/started-threads.js';

interface Row {
  readonly topic?: string;
  readonly text?: string;
  readonly kind?: string;
  readonly v?: readonly (number | null)[];
}

function vectors(count: number, seed = 1): readonly Row[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, n) => ({
    kind: n % 4 === 0 ? 'rare' : 'usual',
    text: `text ${n}`,
    v: Array.from({ length: 6 }, () => random.gaussian()),
  }));
}

async function explored(rows: readonly Row[], options: Partial<ExploreFileOptions> = {}) {
  const base = mkdtempSync(join(tmpdir(), 'headwater-explore-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  writeFileSync(join(base, 'real.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return exploreFile('real.jsonl', {
    base,
    openEmbedder: async () => new HashingEmbedder(),
    signal: new AbortController().signal,
    ...options,
  });
}

test('picks are those of the kernel on the unit vectors, by the number of their row', async () => {
  const rows = vectors(40);
  const holes = rows.flatMap((row, n) => (n % 10 === 0 ? [{ text: 'without' }, row] : [row]));
  const { picks, lengthScale, count, skipped, normalised } = await explored(holes, { vectors: 'v', pick: 8, first: 1 });
  const points = stack(rows.map(({ v = [] }) => unit(Float32Array.from(v, (value) => value ?? 0))));
  expect(lengthScale).toBeCloseTo(medianHeuristic(points), 6);
  const greedy = new GreedyVariance({ points, bandwidth: lengthScale });
  const expected = Array.from({ length: 8 }, (_, i) => greedy.next(i === 0 ? 0 : undefined));
  expect(picks.map(({ index }) => holes[index]?.v)).toEqual(expected.map(({ index }) => rows[index]?.v));
  for (const [i, { variance }] of picks.entries()) expect(variance).toBeCloseTo(expected[i]?.variance ?? 0, 6);
  expect([count, skipped.count, normalised]).toEqual([40, 4, 40]);
});

test('labels take turns, so that shares are equal to within one pick, until a label has no more', async () => {
  const sizes = fc.tuple(fc.integer({ min: 2, max: 20 }), fc.integer({ min: 1, max: 40 }), fc.nat(5));
  await fc.assert(
    fc.asyncProperty(sizes, async ([count, wanted, seed]) => {
      const rows = vectors(count, seed);
      const pick = Math.min(count, wanted);
      const { picks, labels } = await explored(rows, { vectors: 'v', by: 'kind', pick, seed, lengthScale: 1 });
      const rare = rows.filter(({ kind }) => kind === 'rare').length;
      for (const i of picks.keys()) {
        const soFar = picks.slice(0, i + 1).filter(({ label }) => label === 'rare').length;
        const turns = Math.max(Math.ceil((i + 1) / 2), i + 1 - (count - rare));
        expect(soFar).toBe(Math.min(rare, turns));
      }
      for (const { index, label } of picks) expect(rows[index]?.kind).toBe(label);
      expect(new Set(picks.map(({ index }) => index)).size).toBe(pick);
      expect(labels?.map(({ label, picks }) => [label, picks])).toEqual(
        ['rare', 'usual']
          .slice(0, rare === count ? 1 : 2)
          .map((label) => [label, picks.filter((one) => one.label === label).length]),
      );
    }),
    { seed: 4, numRuns: 25 },
  );
});

test('texts are embedded where no vectors are named, without the column of labels', async () => {
  const embedder = new HashingEmbedder();
  const rows = Array.from({ length: 12 }, (_, n) => ({
    question: `question ${n}`,
    answer: `answer ${n}`,
    topic: 'a b'.split(' ')[n % 2] ?? '',
  }));
  const result = await explored(rows, { by: 'topic', openEmbedder: async () => embedder });
  expect(result).toMatchObject({
    fields: ['question', 'answer'],
    vectors: null,
    embedder: embedder.id,
    count: 12,
    informative: true,
  });
  expect(result.picks).toHaveLength(10);
  expect(embedder.batches.flat()[3]).toBe('question 3\nanswer 3');
});

test('the integrated criterion begins in the middle, not with an outlier', async () => {
  const random = randomFrom(3);
  const cluster = Array.from({ length: 30 }, () => ({ v: [1 + 0.1 * random.gaussian(), 0.2 * random.gaussian(), 0] }));
  const rows = [...cluster, { v: [-1, 0, 0.1] }, { v: [0, 0, -1] }];
  const { picks, criterion } = await explored(rows, { vectors: 'v', criterion: 'integrated', pick: 4 });
  expect(criterion).toBe('integrated');
  expect(picks[0]?.index).toBeLessThan(30);
  const variance = await explored(rows, { vectors: 'v', first: picks[0]?.index ?? 0, pick: 3 });
  expect(
    variance.picks
      .slice(1)
      .map(({ index }) => index)
      .sort(),
  ).toEqual([30, 31]);
});

test('fewer records than the default are all picked', async () => {
  expect((await explored(vectors(4), { vectors: 'v' })).picks).toHaveLength(4);
});

test('T13 a length scale far from the distances is reported, and the order is not that of the file', async () => {
  const { informative, picks } = await explored(vectors(60), { vectors: 'v', lengthScale: 0.001, pick: 30 });
  expect(informative).toBe(false);
  const order = picks.map(({ index }) => index);
  expect(order).not.toEqual(order.toSorted((a, b) => a - b));
});

test('T13 exact copies do not hide that the kernel is uninformative', async () => {
  const rows = vectors(60);
  const { informative } = await explored([...rows, ...rows.slice(0, 30)], { vectors: 'v', lengthScale: 0.001 });
  expect(informative).toBe(false);
});

test('labels with one record each: nothing is judged, and it is said', async () => {
  const result = await explored(vectors(6), { vectors: 'v', by: 'text', pick: 4 });
  expect(result).toMatchObject({ informative: null });
  expect(new Set(result.labels?.map(({ informative }) => informative))).toEqual(new Set([null]));
  const shown = exploredTable(result, new Map());
  expect(shown).toContain('Each label has one record: within it there is nothing to explore');
  expect(shown).not.toContain('ninformative');
});

test('only labels with records that differ, and picks, are judged', async () => {
  const rows = [
    ...[1, 2, 3].map((n) => ({ kind: 'varied', v: [1, n] })),
    ...[1, 1].map((n) => ({ kind: 'equal', v: [1, n] })),
    { kind: 'alone', v: [0, 1] },
  ];
  const judged = async (options: Partial<ExploreFileOptions>) => {
    const result = await explored(rows, { vectors: 'v', by: 'kind', ...options });
    const told = exploredTable(result, new Map()).match(
      /Each label has[^:]*|Uninformative[^:]*|kernel is uninformative/,
    )?.[0];
    return [result.informative, result.labels?.map(({ label, informative }) => [label, informative]), told];
  };
  const labels = (varied: boolean | null) => [
    ['alone', null],
    ['equal', null],
    ['varied', varied],
  ];
  expect(await judged({ pick: 6 })).toEqual([true, labels(true), undefined]);
  expect(await judged({ pick: 6, lengthScale: 1e-4 })).toEqual([false, labels(false), 'kernel is uninformative']);
  expect(await judged({ pick: 2 })).toEqual([null, labels(null), undefined]);
});

describe('of more records than --sample', () => {
  test('as many are drawn by the seed, told of, and picked by the numbers of their rows', async () => {
    const rows = vectors(400);
    const of = (seed: number) => explored(rows, { vectors: 'v', sample: 50, pick: 50, seed });
    const result = await of(3);
    expect(result).toMatchObject({ count: 400, sampled: 50, informative: true });
    const places = result.picks.map(({ index }) => index);
    expect(new Set(places).size).toBe(50);
    const points = stack(places.map((at) => unit(Float32Array.from(rows[at]?.v ?? [], (value) => value ?? 0))));
    expect(result.lengthScale).toBeCloseTo(medianHeuristic(points), 6);
    const greedy = new GreedyVariance({ points, bandwidth: result.lengthScale });
    const variances = places.map((_, i) => greedy.next(i).variance);
    for (const [i, { variance }] of result.picks.entries()) expect(variance).toBeCloseTo(variances[i] ?? 0, 6);
    expect(exploredTable(result, new Map())).toContain('400 records, of which a sample of 50 is explored (--sample)');
    expect((await of(3)).picks).toEqual(result.picks);
    expect((await of(4)).picks).not.toEqual(result.picks);
  });

  test('each row is drawn as often as any other', async () => {
    const rows = vectors(20);
    const times = new Array<number>(20).fill(0);
    for (let seed = 0; seed < 200; seed++) {
      const { picks } = await explored(rows, { vectors: 'v', sample: 5, pick: 5, seed, lengthScale: 1 });
      for (const { index } of picks) times[index] = (times[index] ?? 0) + 1;
    }
    // 50 expected of each: chi-square with 19 degrees of freedom, shrunk by drawing without replacement, is above 44 once in 1,000 times
    expect(times.reduce((sum, count) => sum + (count - 50) ** 2 / 50, 0)).toBeLessThan(44);
  });

  test('a rare label keeps its records, and counts are those of the file', async () => {
    const rows = vectors(200).map((row, n) => ({ ...row, kind: n < 3 ? 'rare' : 'usual' }));
    const { labels, picks } = await explored(rows, { vectors: 'v', by: 'kind', sample: 20, pick: 6 });
    expect(labels).toMatchObject([
      { label: 'rare', count: 3, sampled: 3, picks: 3 },
      { label: 'usual', count: 197, sampled: 17, picks: 3 },
    ]);
    for (const { index, label } of picks) expect(rows[index]?.kind).toBe(label);
  });

  test('as many as are asked for are all taken', async () => {
    const [all, limited] = [
      await explored(vectors(40), { vectors: 'v' }),
      await explored(vectors(40), { vectors: 'v', sample: 40 }),
    ];
    expect(limited).toEqual({ ...all, seconds: limited.seconds });
    expect(limited.sampled).toBe(40);
  });

  test.each([
    [
      'more picks than are drawn',
      { sample: 5, pick: 6 },
      /--pick 6: 5 of the 30 records of real.jsonl are explored; raise --sample/,
    ],
    [
      'more labels than are drawn',
      { sample: 5, by: 'text', lengthScale: 1 },
      /has the label 'text \d+', as 'text' has 30 .* raise --sample to 30/,
    ],
    ['a sample of one', { sample: 1 }, /--sample: expected a whole number from 2, got 1/],
  ])('refuses %s', async (_, options, message) => {
    await expect(explored(vectors(30), { vectors: 'v', ...options })).rejects.toThrow(message);
  });

  test('a first row that was not drawn is refused by its name', async () => {
    const rows = vectors(30);
    const { picks } = await explored(rows, { vectors: 'v', sample: 5, pick: 5 });
    const drawn = new Set(picks.map(({ index }) => index));
    const other = rows.findIndex((_, n) => !drawn.has(n));
    const options = { vectors: 'v', sample: 5, pick: 2 };
    await expect(explored(rows, { ...options, first: other })).rejects.toThrow(
      /that row is not among the 5 records drawn/,
    );
    const [known = 0] = drawn;
    expect((await explored(rows, { ...options, first: known })).picks[0]).toEqual({ index: known, variance: 1 });
  });
});

test('all records equal: uninformative', async () => {
  const rows = Array.from({ length: 5 }, () => ({ v: [1, 2] }));
  expect(await explored(rows, { vectors: 'v', pick: 5 })).toMatchObject({ informative: false, lengthScale: 1 });
});

test('one record is picked where a length scale is given', async () => {
  const { picks } = await explored(vectors(1), { vectors: 'v', lengthScale: 1 });
  expect(picks).toEqual([{ index: 0, variance: 1 }]);
});

test.each([
  [
    'more picks than records',
    vectors(5),
    { vectors: 'v', pick: 6 },
    /--pick 6: real\.jsonl has 5 records to pick from; ask for at most 5/,
  ],
  ['one record', vectors(1), { vectors: 'v' }, /1 record, which has no distances: give one with --length-scale/],
  ['a first row beyond the end', vectors(5), { vectors: 'v', first: 5 }, /--first 5: .* its rows end with 4/],
  [
    'a first row that was skipped',
    [{ v: [0, 0] }, { v: [1, 0] }, { v: [0, 1] }],
    { vectors: 'v', first: 0 },
    /--first 0: .* that row was skipped/,
  ],
  [
    'an unknown column of labels',
    vectors(5),
    { vectors: 'v', by: 'label' },
    /has no column 'label' for --by: it has kind, text, v; name one of them, or leave --by out/,
  ],
  [
    'vectors of different lengths',
    [{ v: [1, 2] }, { v: [1, 2, 3] }],
    { vectors: 'v' },
    /real\.jsonl:2: 'v' has 3 numbers, and the first vector has 2/,
  ],
  [
    'a number that is none',
    [{ v: [1, 2] }, { v: [1, null] }],
    { vectors: 'v' },
    /number 1 of 'v' is null: expected finite/,
  ],
  ['zeros alone', [{ v: [0, 0] }], { vectors: 'v' }, /no record to use; 1 were skipped/],
])('refuses %s', async (_, rows, options, message) => {
  await expect(explored(rows, options)).rejects.toMatchObject({
    code: 'input-unreadable',
    message: expect.stringMatching(message),
  });
});

test('an abort ends it between two picks', async () => {
  const stop = new AbortController();
  const watch = { picking: (picks: number) => picks === 3 && stop.abort(new Error('enough')) };
  await expect(
    explored(vectors(20), { vectors: 'v', signal: stop.signal, watch: { picking: (n) => void watch.picking(n) } }),
  ).rejects.toThrow('enough');
});

test('an abort ends the thread of many picks, within a second and with its reason; progress is told', async () => {
  const rows = vectors(3000);
  const threads = startedThreads();
  const stop = new AbortController();
  const told: number[] = [];
  let stopped = Number.POSITIVE_INFINITY;
  const picking = (picks: number) => {
    told.push(picks);
    if (told.length < 2) return;
    stopped = performance.now();
    stop.abort(new Error('enough'));
  };
  const options = { vectors: 'v', pick: 2000, criterion: 'integrated', signal: stop.signal } as const;
  await expect(explored(rows, { ...options, watch: { picking } })).rejects.toThrow('enough');
  expect(performance.now() - stopped).toBeLessThan(1000);
  expect(threads).toMatchObject({ started: 1, left: 0 });
  expect(told.length).toBe(2);
  expect(told[1]).toBeGreaterThan(told[0] ?? 0);
});

test.each(['variance', 'integrated'] as const)('a thread picks by %s what is picked here', async (criterion) => {
  const random = randomFrom(3);
  const points = stack(
    Array.from({ length: 90 }, () => unit(Float32Array.from({ length: 5 }, () => random.gaussian()))),
  );
  const labels = Array.from({ length: 90 }, (_, i) => (i % 3 === 0 ? 'a' : 'b'));
  const job = { points, labels, pick: 30, criterion, lengthScale: 0.6, seed: 2, first: 7 };
  const { signal } = new AbortController();
  const here = await inTurns(picksByLabel, job, { signal });
  expect(here.picks.length).toBe(30);
  expect(await inThread(picksByLabel, job, { signal })).toEqual(here);
  expect(picksByLabel.estimatedMs(job)).toBeLessThan(50);
});
