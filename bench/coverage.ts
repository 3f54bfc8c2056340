import { parseArgs } from 'node:util';

import { chooseColumns } from '../cli/files/choose-columns.js';
import { readVectors } from '../cli/files/read-vectors.js';
import realEmails from '../cli/recipes/emails/real-emails.js';
import { pull } from '../engines/models/pull.js';
import { staticEmbedder } from '../engines/static/static-embedder.js';
import type { Embedder } from '../operators/embedder.js';
import { nearestCosine } from '../operators/kernels/diversity/nearest.js';
import { GreedyVariance } from '../operators/kernels/gaussian-process/greedy-variance.js';
import { IntegratedVariance } from '../operators/kernels/gaussian-process/integrated-variance.js';
import { medianHeuristic } from '../operators/kernels/mmd/median-heuristic.js';
import type { Points } from '../operators/kernels/points.js';
import { randomFrom } from '../operators/kernels/random.js';
import { openTable } from '../streams/inputs/open-table.js';
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
const points = options.real === undefined ? await emails(embedder) : await file(options.real, embedder);
await embedder.close();
printMachine();
console.log(`${points.size} records, ${splits} splits`);

interface Figures {
  readonly nearest: number;
  readonly covered: number;
}

const ways = { random: randomOrder, 'greatest variance': varianceOrder, 'integrated variance': integratedOrder };
const results = new Map<string, Figures[]>();
for (let split = 0; split < splits; split++) {
  const order = shuffled(points.size, split);
  const half = Math.floor(points.size / 2);
  const pool = rowsOf(points, order.subarray(0, half));
  const held = rowsOf(points, order.subarray(half, half + lookedAt));
  const radius = median(nearestOf(held, pool));
  for (const [way, orderOf] of Object.entries(ways)) {
    const picked = orderOf(pool, Math.max(...picks), split);
    for (const count of picks) {
      const near = nearestOf(held, rowsOf(pool, picked.subarray(0, count)));
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
    names.map((way) => interval((results.get(`${way} ${count}`) ?? []).map((one) => one[figure]))),
  );
  console.log(`| ${count} | ${cells.join(' | ')} |`);
}

function randomOrder(pool: Points, count: number, seed: number): Uint32Array {
  return shuffled(pool.size, 1000 + seed).subarray(0, count);
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

function rowsOf({ data, dimensions }: Points, rows: Uint32Array): Points {
  const taken = new Float32Array(rows.length * dimensions);
  for (const [place, row] of rows.entries()) {
    taken.set(data.subarray(row * dimensions, (row + 1) * dimensions), place * dimensions);
  }
  return { data: taken, size: rows.length, dimensions };
}

function shuffled(size: number, seed: number): Uint32Array {
  const random = randomFrom(seed);
  const order = Uint32Array.from({ length: size }, (_, row) => row);
  for (let i = size - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [order[i], order[other]] = [order[other] ?? 0, order[i] ?? 0];
  }
  return order;
}

function interval(values: readonly number[]): string {
  const centre = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
  const error = 2 * Math.sqrt(variance / values.length);
  return `${centre.toFixed(3)} ± ${error.toFixed(3)}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function openEmbedder(): Promise<Embedder> {
  const { files } = await pull('wordllama-256');
  const [weights = '', tokenizer = ''] = files.values();
  return staticEmbedder({ weights, tokenizer });
}

async function emails(embedder: Embedder): Promise<Points> {
  const texts: string[] = [];
  for await (const mail of realEmails()) if ('body' in mail) texts.push(`${mail.subject}\n${mail.body}`);
  const vectors = (await embedder.embed(texts)).filter((vector) => vector.some((x) => x !== 0));
  const { dimensions } = embedder;
  const data = new Float32Array(vectors.length * dimensions);
  for (const [row, vector] of vectors.entries()) data.set(vector, row * dimensions);
  return { data, size: vectors.length, dimensions };
}

async function file(path: string, embedder: Embedder): Promise<Points> {
  const table = await openTable(path, { base: process.cwd() });
  const columns = chooseColumns([table], options.field === undefined ? {} : { fields: options.field.split(',') });
  const { points } = await readVectors(table, { columns, embedder, signal: new AbortController().signal });
  return points;
}
