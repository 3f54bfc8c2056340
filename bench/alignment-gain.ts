import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { alignFiles } from '../cli/align/align-files.js';
import type { AlignOptions } from '../cli/align/align-options.js';
import { readVectors } from '../cli/files/read-vectors.js';
import realEmails from '../cli/recipes/emails/real-emails.js';
import { pull } from '../engines/models/pull.js';
import { staticEmbedder } from '../engines/static/static-embedder.js';
import type { Embedder } from '../operators/embedder.js';
import { exactWeightedMmd2 } from '../operators/kernels/mmd/exact-mmd.js';
import { medianHeuristic } from '../operators/kernels/mmd/median-heuristic.js';
import { stack } from '../operators/kernels/points.js';
import { randomFrom } from '../operators/kernels/random.js';
import { openTable } from '../streams/inputs/open-table.js';
import { printMachine } from './report.js';

/**
 * Whether MMD weights make synthetic e-mails worth more: an experiment, without bounds.
 *
 * `npm run bench -- alignment-gain SYNTHETIC [--splits N]`, where SYNTHETIC is a file or glob of labelled e-mails (subject, body, label) such as the shards of
 * `headwater run emails --set domain.label.shares=[0.5,0.5]`. In each split, half of the real e-mails of the demo are the reference that weights are solved
 * against, and the other half is the test: MMD^2 of the weighted texts to it, and how well a ridge classifier of ham and spam that was trained on
 * the weighted texts does there (balanced accuracy, so that it does not matter that the classes' shares differ). As many real e-mails of the reference, drawn by
 * the split, show what could be reached. Means over the splits, with twice their standard error.
 */

interface Labelled {
  readonly vector: Float32Array;
  readonly isSpam: boolean;
}

const args = process.argv.slice(2);
const at = args.indexOf('--splits');
const splits = at < 0 ? 20 : Number(args.splice(at, 2)[1]);
const [path] = args;
if (path === undefined)
  throw new Error('npm run bench -- alignment-gain SYNTHETIC: name the file of synthetic e-mails');

const ways: Readonly<Record<string, Partial<AlignOptions> | undefined>> = {
  'all alike': undefined,
  'kernel, by label': { by: 'label' },
  'kernel, without labels': {},
  'projections, by label': { by: 'label', objective: 'projections' },
};

const folder = mkdtempSync(join(tmpdir(), 'headwater-bench-alignment-gain-'));
const embedder = await openEmbedder();
try {
  const real = await emails(embedder);
  const synthetic = await texts(path, embedder);
  const spam = synthetic.filter(({ isSpam }) => isSpam).length;
  printMachine();
  console.log(`${real.length} real e-mails, ${synthetic.length} synthetic ones (${spam} spam), ${splits} splits`);
  const figures = new Map<string, { mmd2: number; accuracy: number; effective: number }[]>();
  const told = (way: string, one: { mmd2: number; accuracy: number; effective: number }) =>
    figures.set(way, [...(figures.get(way) ?? []), one]);
  for (let split = 0; split < splits; split++) {
    const order = shuffled(real, split);
    const reference = order.slice(0, order.length >> 1);
    const test = order.slice(order.length >> 1);
    save('reference.jsonl', reference);
    save('synthetic.jsonl', synthetic);
    for (const [way, options] of Object.entries(ways)) {
      const weights = options === undefined ? synthetic.map(() => 1) : await weightsOf(options, split);
      const accuracy = accuracyOf(synthetic, weights, test);
      told(way, { mmd2: mmd2Of(synthetic, weights, test), accuracy, effective: effectiveOf(weights) });
    }
    const drawn = reference.slice(0, synthetic.length);
    const alike = drawn.map(() => 1);
    const accuracy = accuracyOf(drawn, alike, test);
    told('as many real e-mails', { mmd2: mmd2Of(drawn, alike, test), accuracy, effective: drawn.length });
  }
  console.log(
    '| weights | MMD² to the test half | balanced accuracy there | effective sample size |\n|---|---|---|---|',
  );
  for (const [way, all] of figures) {
    const cell = (of: (one: { mmd2: number; accuracy: number; effective: number }) => number, digits: number) =>
      interval(all.map(of), digits);
    console.log(
      `| ${way} | ${cell(({ mmd2 }) => mmd2, 4)} | ${cell(({ accuracy }) => accuracy, 3)} | ${cell(({ effective }) => effective, 0)} |`,
    );
  }
} finally {
  await embedder.close();
  rmSync(folder, { recursive: true, force: true });
}

async function weightsOf(options: Partial<AlignOptions>, seed: number): Promise<readonly number[]> {
  await alignFiles('reference.jsonl', 'synthetic.jsonl', { ...common(), ...options, out: 'weights.csv', seed });
  const lines = readFileSync(join(folder, 'weights.csv'), 'utf8').trim().split('\n').slice(1);
  return lines.map((line) => Number(line.split(',')[1]));
}

function mmd2Of(candidates: readonly Labelled[], weights: readonly number[], test: readonly Labelled[]): number {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const shares = Float64Array.from(weights, (weight) => weight / sum);
  const points = stack(test.map(({ vector }) => vector));
  return exactWeightedMmd2(points, stack(candidates.map(({ vector }) => vector)), shares, medianHeuristic(points));
}

function common() {
  return { base: folder, vectors: 'vector', signal: new AbortController().signal, openEmbedder };
}

function effectiveOf(weights: readonly number[]): number {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return sum ** 2 / weights.reduce((total, weight) => total + weight ** 2, 0);
}

/** Weighted ridge regression on +1 and -1, classes weighing alike; solved by conjugate gradients. */
function accuracyOf(train: readonly Labelled[], weights: readonly number[], test: readonly Labelled[]): number {
  const classWeight = (isSpam: boolean) =>
    train.reduce((sum, one, i) => sum + (one.isSpam === isSpam ? (weights[i] ?? 0) : 0), 0);
  const totals = { spam: classWeight(true), ham: classWeight(false) };
  const rows = train.map(({ vector, isSpam }, i) => ({
    x: [...vector, 1],
    y: isSpam ? 1 : -1,
    weight: (weights[i] ?? 0) / (isSpam ? totals.spam : totals.ham),
  }));
  const ridge = 0.02;
  const apply = (w: readonly number[]) => {
    const out = w.map((value) => ridge * value);
    for (const { x, weight } of rows) {
      const scaled = weight * x.reduce((sum, value, k) => sum + value * (w[k] ?? 0), 0);
      for (const [k, value] of x.entries()) out[k] = (out[k] ?? 0) + scaled * value;
    }
    return out;
  };
  const target = Array.from({ length: (train[0]?.vector.length ?? 0) + 1 }, (_, k) =>
    rows.reduce((sum, { x, y, weight }) => sum + weight * y * (x[k] ?? 0), 0),
  );
  const w = conjugateGradients(apply, target, 60);
  const right = { spam: 0, ham: 0 };
  const count = { spam: 0, ham: 0 };
  for (const { vector, isSpam } of test) {
    const score = [...vector, 1].reduce((sum, value, k) => sum + value * (w[k] ?? 0), 0);
    count[isSpam ? 'spam' : 'ham'] += 1;
    if (score > 0 === isSpam) right[isSpam ? 'spam' : 'ham'] += 1;
  }
  return (right.spam / count.spam + right.ham / count.ham) / 2;
}

function conjugateGradients(apply: (w: readonly number[]) => number[], target: readonly number[], rounds: number) {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0);
  let w = target.map(() => 0);
  let residual = [...target];
  let direction = [...target];
  for (let round = 0; round < rounds && dot(residual, residual) > 1e-16; round++) {
    const applied = apply(direction);
    const step = dot(residual, residual) / dot(direction, applied);
    w = w.map((value, k) => value + step * (direction[k] ?? 0));
    const next = residual.map((value, k) => value - step * (applied[k] ?? 0));
    const factor = dot(next, next) / dot(residual, residual);
    direction = next.map((value, k) => value + factor * (direction[k] ?? 0));
    residual = next;
  }
  return w;
}

function save(name: string, records: readonly Labelled[]): void {
  const lines = records.map(({ vector, isSpam }) =>
    JSON.stringify({ vector: [...vector], label: isSpam ? 'spam' : 'ham' }),
  );
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
}

function shuffled<Item>(items: readonly Item[], seed: number): readonly Item[] {
  const random = randomFrom(seed);
  return items
    .map((item) => ({ item, key: random.float() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

function interval(values: readonly number[], digits: number): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return `${mean.toFixed(digits)} ± ${(2 * Math.sqrt(variance / values.length)).toFixed(digits)}`;
}

async function openEmbedder(): Promise<Embedder> {
  const { files } = await pull('wordllama-256');
  const [weights = '', tokenizer = ''] = files.values();
  return staticEmbedder({ weights, tokenizer });
}

async function emails(embedder: Embedder): Promise<readonly Labelled[]> {
  const mails: { text: string; isSpam: boolean }[] = [];
  for await (const mail of realEmails()) {
    if ('body' in mail) mails.push({ text: `${mail.subject}\n${mail.body}`, isSpam: mail.kind === 'spam' });
  }
  const vectors = await embedder.embed(mails.map(({ text }) => text));
  return mails.flatMap(({ isSpam }, i) => {
    const vector = vectors[i];
    return vector?.some((x) => x !== 0) ? [{ vector, isSpam }] : [];
  });
}

async function texts(file: string, embedder: Embedder): Promise<readonly Labelled[]> {
  const table = await openTable(file, { base: process.cwd() });
  const columns = { fields: ['subject', 'body'], vectors: null, found: false };
  const signal = new AbortController().signal;
  const { points, labels } = await readVectors(table, { columns, embedder, labels: 'label', signal });
  const { data, dimensions } = points;
  return (labels ?? []).map((label, row) => ({
    vector: Float32Array.from(data.subarray(row * dimensions, (row + 1) * dimensions)),
    isSpam: label === 'spam',
  }));
}
