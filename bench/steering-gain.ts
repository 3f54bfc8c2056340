import { parseArgs } from 'node:util';

import { resamples, spreadAround } from '../operators/kernels/bootstrap.js';
import { nearestCosine } from '../operators/kernels/diversity/nearest.js';
import { gram, kernelRowSums, kernelSum } from '../operators/kernels/mmd/gram.js';
import { medianHeuristic } from '../operators/kernels/mmd/median-heuristic.js';
import type { Points } from '../operators/kernels/points.js';
import { type Corpus, corpusOf, emails, openEmbedder, part } from './experiments/corpus.js';
import { mean } from './experiments/interval.js';
import { printMachine } from './report.js';

/**
 * Whether steering brought real models closer to the real texts: an experiment, without bounds.
 *
 * `npm run bench -- steering-gain CLOSED OPEN [--real FILE] [--field NAMES]`: shards of two runs of one recipe, with and without `steps.steer`. Without a
 * real file, the e-mails of the demo are it. Of all samples, and of the later half, which corrections had their say in: the unbiased MMD^2 to all
 * real texts, and the mean cosine of a real text to its nearest sample. Intervals of 95 % over 1,000 resamples of the samples.
 */

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { real: { type: 'string' }, field: { type: 'string' } },
});
const [closedPath, openPath] = positionals;
if (closedPath === undefined || openPath === undefined) {
  throw new Error('npm run bench -- steering-gain CLOSED OPEN: name the shards of both runs');
}

const rounds = 1000;
const embedder = await openEmbedder();
const fields = { fields: options.field ?? (options.real === undefined ? 'subject,body' : 'question') };
const real = options.real === undefined ? await emails(embedder) : await corpusOf(options.real, embedder, fields);
const closed = await corpusOf(closedPath, embedder, fields);
const open = await corpusOf(openPath, embedder, fields);
await embedder.close();
printMachine();
console.log(`${real.points.size} real texts; ${closed.points.size} samples steered, ${open.points.size} not`);

const kernel = { name: 'rbf', bandwidth: medianHeuristic(real.points) } as const;
const withinReal = (kernelSum(real.points, real.points, kernel) - real.points.size) / pairsOf(real.points.size);

console.log('| samples | MMD², steered | MMD², not steered | difference | nearest, steered | nearest, not steered |');
console.log('|---|---|---|---|---|---|');
for (const [name, from] of [['all', 0] as const, ['later half', 0.5] as const]) {
  const [steered, free] = [closed, open].map((corpus) => later(corpus, from));
  if (steered === undefined || free === undefined) continue;
  const [a, b] = [distanceOf(steered.points, 1), distanceOf(free.points, 2)];
  const difference = spreadAround(
    a.mmd2 - b.mmd2,
    a.resampled.map((mmd2, i) => mmd2 - (b.resampled[i] ?? 0)),
  );
  const cells = [
    ...[a, b].map(({ mmd2, resampled }) => intervalText(mmd2, spreadAround(mmd2, resampled))),
    intervalText(a.mmd2 - b.mmd2, difference),
    ...[steered, free].map(({ points }) => nearestOf(points).toFixed(3)),
  ];
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}

/** Samples behind a share of them, in the order in which they were accepted. */
function later(corpus: Corpus, from: number): Corpus {
  const { size } = corpus.points;
  const first = Math.floor(size * from);
  return part(
    corpus,
    Uint32Array.from({ length: size - first }, (_, i) => first + i),
  );
}

/** The unbiased MMD^2 to the real texts, and that of each resample. */
function distanceOf(points: Points, seed: number): { readonly mmd2: number; readonly resampled: readonly number[] } {
  const { size } = points;
  const own = gram(points, points, kernel);
  const toReal = kernelRowSums(points, real.points, kernel).map((sum) => sum / real.points.size);
  const mmd2Of = (counts: ArrayLike<number>) => {
    let [within, across] = [0, 0];
    for (let i = 0; i < size; i++) {
      const count = counts[i] ?? 0;
      if (count === 0) continue;
      across += count * (toReal[i] ?? 0);
      for (let j = 0; j < size; j++) within += count * (counts[j] ?? 0) * (own[i * size + j] ?? 0);
    }
    return withinReal + (within - size) / pairsOf(size) - (2 * across) / size;
  };
  return {
    mmd2: mmd2Of(new Uint32Array(size).fill(1)),
    resampled: Array.from(resamples(size, rounds, seed), mmd2Of),
  };
}

function nearestOf(points: Points): number {
  const { data, size, dimensions } = real.points;
  return mean(
    Array.from({ length: size }, (_, i) =>
      nearestCosine(points, Float32Array.from(data.subarray(i * dimensions, (i + 1) * dimensions))),
    ),
  );
}

function pairsOf(size: number): number {
  return size * (size - 1);
}

function intervalText(figure: number, spread: { readonly low: number; readonly high: number } | null): string {
  return `${figure.toFixed(4)} (${spread?.low.toFixed(4)} to ${spread?.high.toFixed(4)})`;
}
