import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { alignFiles } from '../cli/align/align-files.js';
import type { AlignOptions } from '../cli/align/align-options.js';
import { exactWeightedMmd2 } from '../operators/kernels/mmd/exact-mmd.js';
import { medianHeuristic } from '../operators/kernels/mmd/median-heuristic.js';
import { effectiveSampleSize } from '../operators/kernels/weights/effective-sample-size.js';
import { type Corpus, corpusOf, emails, halves, openEmbedder, part, shuffledRows } from './experiments/corpus.js';
import { meanText } from './experiments/interval.js';
import { balancedAccuracy, type Classed } from './experiments/linear-classifier.js';
import { printMachine } from './report.js';

/**
 * Whether MMD weights make synthetic texts worth more: an experiment, without bounds.
 *
 * `npm run bench -- alignment-gain SYNTHETIC [--real FILE] [--field NAMES] [--splits N]`, where SYNTHETIC is a file or glob such as the shards of a run.
 * Without a real file, the labelled e-mails of the demo are it. In each split, half of the real texts are the reference that weights are solved against,
 * and the other half is the test, to which are measured
 *
 * - the MMD^2 of the weighted texts, biased, since weights have no pairs without themselves;
 * - `told apart`: how well a linear classifier tells weighted synthetic texts from real ones, trained on one half of either and tried on the other
 *   (balanced accuracy, 0.5 where it cannot);
 * - with labels, `label`: how well one that was trained on the weighted texts alone tells the labels of real ones.
 *
 * As many real texts of the reference show what could be reached. Means over the splits, with twice their standard error.
 */

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    real: { type: 'string' },
    field: { type: 'string' },
    splits: { type: 'string', default: '20' },
  },
});
const [path] = positionals;
if (path === undefined) throw new Error('npm run bench -- alignment-gain SYNTHETIC: name the file of synthetic texts');
const splits = Number(options.splits);
const isLabelled = options.real === undefined;

const ways: Readonly<Record<string, Partial<AlignOptions> | undefined>> = {
  'all alike': undefined,
  ...(isLabelled ? { 'kernel, by label': { by: 'label' } } : {}),
  [isLabelled ? 'kernel, without labels' : 'kernel']: {},
  [isLabelled ? 'projections, by label' : 'projections']: {
    ...(isLabelled ? { by: 'label' } : {}),
    objective: 'projections',
  },
};

const folder = mkdtempSync(join(tmpdir(), 'headwater-bench-alignment-gain-'));
const embedder = await openEmbedder();
try {
  const real =
    options.real === undefined ? await emails(embedder) : await corpusOf(options.real, embedder, columnsOf('question'));
  const label = isLabelled ? { label: 'label' } : {};
  const synthetic = await corpusOf(path, embedder, {
    ...columnsOf(isLabelled ? 'subject,body' : 'question'),
    ...label,
  });
  printMachine();
  console.log(`${real.points.size} real texts, ${synthetic.points.size} synthetic ones, ${splits} splits`);
  await compareWays(real, synthetic);
} finally {
  await embedder.close();
  rmSync(folder, { recursive: true, force: true });
}

function columnsOf(fields: string): { readonly fields: string } {
  return { fields: options.field ?? fields };
}

interface Figures {
  readonly mmd2: number;
  readonly apart: number;
  readonly label: number;
  readonly effective: number;
}

async function compareWays(real: Corpus, synthetic: Corpus): Promise<void> {
  const found = new Map<string, Figures[]>();
  const told = (way: string, figures: Figures) => found.set(way, [...(found.get(way) ?? []), figures]);
  for (let split = 0; split < splits; split++) {
    const [reference, test] = halves(real, split);
    save('reference.jsonl', reference);
    save('synthetic.jsonl', synthetic);
    for (const [way, aligned] of Object.entries(ways)) {
      const weights = aligned === undefined ? alike(synthetic) : await weightsOf(aligned, split);
      told(way, figuresOf(synthetic, weights, { reference, test, split }));
    }
    const rows = shuffledRows(reference.points.size, 1000 + split);
    const drawn = part(reference, rows.subarray(0, synthetic.points.size));
    const rest = part(reference, rows.subarray(synthetic.points.size));
    told('as many real texts', figuresOf(drawn, alike(drawn), { reference: rest, test, split }));
  }
  const names = [
    'weights',
    'MMD² to the test half',
    'told apart',
    ...(isLabelled ? ['label'] : []),
    'effective sample size',
  ];
  console.log(`| ${names.join(' | ')} |\n|${'---|'.repeat(names.length)}`);
  for (const [way, all] of found) {
    const cell = (of: (figures: Figures) => number, digits: number) => meanText(all.map(of), digits);
    const cells = [
      cell(({ mmd2 }) => mmd2, 4),
      cell(({ apart }) => apart, 3),
      ...(isLabelled ? [cell(({ label }) => label, 3)] : []),
      cell(({ effective }) => effective, 0),
    ];
    console.log(`| ${way} | ${cells.join(' | ')} |`);
  }
}

interface Split {
  readonly reference: Corpus;
  readonly test: Corpus;
  readonly split: number;
}

function figuresOf(texts: Corpus, weights: Float64Array, { reference, test, split }: Split): Figures {
  const kernel = { name: 'rbf', bandwidth: medianHeuristic(test.points) } as const;
  return {
    mmd2: exactWeightedMmd2(test.points, texts.points, weights, kernel),
    apart: toldApart(texts, weights, { reference, test, split }),
    label: isLabelled ? balancedAccuracy(spamOf(texts, weights), spamOf(test, alike(test))) : Number.NaN,
    effective: effectiveSampleSize(weights),
  };
}

/** Each half of the texts is the training set once, and the test once. */
function toldApart(texts: Corpus, weights: Float64Array, { reference, test, split }: Split): number {
  const order = shuffledRows(texts.points.size, 2000 + split);
  const middle = order.length >> 1;
  const folds = [order.subarray(0, middle), order.subarray(middle)].map((rows) => ({
    texts: part(texts, rows),
    weights: Float64Array.from(rows, (row) => weights[row] ?? 0),
  }));
  const accuracies = folds.flatMap((train, i) => {
    const tried = folds[1 - i];
    if (tried === undefined) return [];
    return [balancedAccuracy(beside(train.texts, train.weights, reference), beside(tried.texts, tried.weights, test))];
  });
  return accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length;
}

function beside({ points }: Corpus, weights: Float64Array, { points: real }: Corpus): Classed {
  const { dimensions } = points;
  const data = new Float32Array((points.size + real.size) * dimensions);
  data.set(points.data);
  data.set(real.data, points.size * dimensions);
  return {
    points: { data, size: points.size + real.size, dimensions },
    isFirst: Array.from({ length: points.size + real.size }, (_, i) => i < points.size),
    weights: Float64Array.of(...weights, ...new Array<number>(real.size).fill(1 / real.size)),
  };
}

function spamOf({ points, labels = [] }: Corpus, weights: Float64Array): Classed {
  return { points, isFirst: labels.map((label) => label === 'spam'), weights };
}

function alike({ points: { size } }: Corpus): Float64Array {
  return new Float64Array(size).fill(1 / size);
}

async function weightsOf(aligned: Partial<AlignOptions>, seed: number): Promise<Float64Array> {
  const signal = new AbortController().signal;
  const common = { base: folder, vectors: 'vector', signal, openEmbedder, out: 'weights.csv', seed };
  await alignFiles('reference.jsonl', 'synthetic.jsonl', { ...common, ...aligned });
  const lines = readFileSync(join(folder, 'weights.csv'), 'utf8').trim().split('\n').slice(1);
  const weights = Float64Array.from(lines, (line) => Number(line.split(',')[1]));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function save(name: string, { points: { data, size, dimensions }, labels }: Corpus): void {
  const lines = Array.from({ length: size }, (_, i) =>
    JSON.stringify({ vector: [...data.subarray(i * dimensions, (i + 1) * dimensions)], label: labels?.[i] }),
  );
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
}
