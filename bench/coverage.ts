import { parseArgs } from 'node:util';

import { nearestCosine } from '../operators/kernels/diversity/nearest.js';
import { allRows } from '../operators/kernels/draw-rows.js';
import { GreedyVariance } from '../operators/kernels/gaussian-process/greedy-variance.js';
import { IntegratedVariance } from '../operators/kernels/gaussian-process/integrated-variance.js';
import { medianHeuristic } from '../operators/kernels/mmd/median-heuristic.js';
import type { Points } from '../operators/kernels/points.js';
import { corpusOf, emails, halves, openEmbedder, part, shuffledRows } from './experiments/corpus.js';
import { mean, meanText } from './experiments/interval.js';
import { median, printMachine } from './report.js';

/**
 * Whether examples that a Gaussian process picks stand for a real corpus better than examples at random: an experiment, without bounds.
 *
 * `npm run bench -- coverage [--real FILE --field NAMES] [--splits N]`; without a file, the e-mails of the demo. In each split a random half of the
 * records can be picked, and 1,000 records of the other half are looked at: the mean cosine to the nearest pick, and the share that is as
 * near to one as the median record is to its nearest neighbour in the half. Means over the splits with intervals of 95 % (twice the standard error).
 */

const { values: options } = parseArgs({
  options: { real: { type: 'string' }, field: { type: 'string' }, splits: { type: 'string', default: '20' } },
});
const splits = Number(options.splits);
const picks = [10, 25, 50, 100, 200];
const lookedAt = 1000;

const embedder = await openEmbedder();
const { real, field } = options;
const columns = field === undefined ? {} : { fields: field };
const corpus = real === undefined ? await emails(embedder) : await corpusOf(real, embedder, columns);
await embedder.close();
printMachine();
console.log(`${corpus.points.size} records, ${splits} splits`);

interface Figures {
  readonly nearest: number;
  readonly covered: number;
}

const ways = { random: randomOrder, 'greatest variance': varianceOrder, 'integrated variance': integratedOrder };
const results = new Map<string, Figures[]>();
for (let split = 0; split < splits; split++) {
  const [{ points: pool }, rest] = halves(corpus, split);
  const { points: held } = part(rest, allRows(Math.min(lookedAt, rest.points.size)));
  const radius = median(nearestOf(held, pool));
  for (const [way, orderOf] of Object.entries(ways)) {
    const picked = orderOf(pool, Math.max(...picks), split);
    for (const count of picks) {
      const near = nearestOf(held, part({ points: pool, labels: undefined }, picked.subarray(0, count)).points);
      const covered = near.filter((cosine) => cosine >= radius).length / near.length;
      const figures = { nearest: mean(near), covered };
      results.set(`${way} ${count}`, [...(results.get(`${way} ${count}`) ?? []), figures]);
    }
  }
}

const names = Object.keys(ways);
console.log(
  `| picks | ${['nearest', 'covered'].flatMap((figure) => names.map((way) => `${figure}, ${way}`)).join(' | ')} |`,
);
console.log(`|---:|${'---|'.repeat(2 * names.length)}`);
for (const count of picks) {
  const cells = (['nearest', 'covered'] as const).flatMap((figure) =>
    names.map((way) => meanText((results.get(`${way} ${count}`) ?? []).map((one) => one[figure]))),
  );
  console.log(`| ${count} | ${cells.join(' | ')} |`);
}

function randomOrder(pool: Points, count: number, seed: number): Uint32Array {
  return shuffledRows(pool.size, 1000 + seed).subarray(0, count);
}

function varianceOrder(pool: Points, count: number, seed: number): Uint32Array {
  const greedy = new GreedyVariance({ points: pool, bandwidth: medianHeuristic(pool), seed });
  return Uint32Array.from({ length: count }, () => greedy.next().index);
}

function integratedOrder(pool: Points, count: number, seed: number): Uint32Array {
  const integrated = new IntegratedVariance({ points: pool, bandwidth: medianHeuristic(pool), seed });
  return Uint32Array.from({ length: count }, () => integrated.next().index);
}

function nearestOf(held: Points, picked: Points): readonly number[] {
  const { dimensions } = held;
  return Array.from({ length: held.size }, (_, row) =>
    nearestCosine(picked, Float32Array.from(held.data.subarray(row * dimensions, (row + 1) * dimensions))),
  );
}
