import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Field, FixedSizeList, Float32, Schema, Utf8 } from 'apache-arrow';

import { alignFiles } from '../cli/align/align-files.js';
import type { Alignment } from '../cli/align/alignment.js';
import { weightedMmd2 } from '../operators/kernels/mmd/mmd.js';
import { rbf } from '../operators/kernels/mmd/rbf.js';
import { squaredDistance, stack } from '../operators/kernels/points.js';
import { randomFrom } from '../operators/kernels/random.js';
import { denseMatrix, featureMatrix } from '../operators/kernels/weights/kernel-matrix.js';
import { mmdWeights } from '../operators/kernels/weights/mmd-weights.js';
import { ownPart } from '../operators/kernels/weights/own-part.js';
import { alignmentFeatures } from '../operators/synalign/align/alignment-features.js';
import { RecordBatchBuilder } from '../streams/shards/record-batch.js';
import { ShardWriter } from '../streams/shards/shard-writer.js';
import { median, printMachine, residentMiB, verdict } from './report.js';
import thresholds from './thresholds/align.json' with { type: 'json' };

/**
 * How long `headwater align` takes for 5,000 candidates against 20,000 real records of 256 dimensions, and how good its weights are.
 *
 * `npm run bench -- align`. Real records come from four kinds of equal shares; candidates are of the same kinds with shares of 10 : 10 : 1 : 1. Files are
 * Arrow, so that the time is that of the weights. Without `--by` the kernel alone must bring the shares back; with it they are exact. The slow
 * reference is exponentiated gradients on the kernel of all pairs, for 600 candidates. Exits with 1 where
 * `bench/thresholds/align.json` is missed.
 */

const dimensions = 256;
const kinds = 4;
const rounds = 5;

interface Row {
  readonly label: string;
  readonly vector: Float32Array;
}

const random = randomFrom(1);
const gaussians = () => Float32Array.from({ length: dimensions }, () => random.gaussian());
const centres = Array.from({ length: kinds }, gaussians);

/** A record of a kind: a unit vector around its centre, with a cosine of about a third to others of its kind. */
function recordOf(kind: number): Row {
  const centre = centres[kind] ?? new Float32Array(dimensions);
  const vector = gaussians().map((value, i) => 1.4 * value + (centre[i] ?? 0));
  const norm = Math.hypot(...vector);
  return { label: `kind ${kind}`, vector: vector.map((value) => value / norm) };
}

function* records(count: number, parts: readonly number[]): Generator<Row> {
  const total = parts.reduce((sum, part) => sum + part, 0);
  for (let i = 0; i < count; i++) {
    let rest = random.float() * total;
    const kind = parts.findIndex((part) => {
      rest -= part;
      return rest < 0;
    });
    yield recordOf(Math.max(kind, 0));
  }
}

async function write(folder: string, name: string, rows: Iterable<Row>): Promise<void> {
  const vector = new FixedSizeList(dimensions, new Field('element', new Float32(), false));
  const schema = new Schema([new Field('label', new Utf8(), false), new Field('vector', vector, false)]);
  const batch = new RecordBatchBuilder<Row>(schema, (column) => (row) => Reflect.get(row, column));
  const writer = ShardWriter.create(folder, 'bench', batch, { format: 'arrow', compression: 'none' });
  for (const row of rows) await writer.append(row);
  await writer.finish(name);
}

printMachine();
const folder = mkdtempSync(join(tmpdir(), 'headwater-bench-align-'));
try {
  await write(folder, 'real.arrow', records(20_000, [1, 1, 1, 1]));
  const made = [...records(5000, [10, 10, 1, 1])];
  await write(folder, 'made.arrow', made);
  const align = (by: boolean) =>
    alignFiles('real.arrow', 'made.arrow', {
      base: folder,
      vectors: 'vector',
      ...(by ? { by: 'label', out: 'weights.parquet' } : { out: 'weights.jsonl' }),
      openEmbedder: () => Promise.reject(new Error('no text is embedded')),
      signal: new AbortController().signal,
    });

  const seconds: number[] = [];
  const cpu: number[] = [];
  let highest = 0;
  const memory = setInterval(() => {
    highest = Math.max(highest, residentMiB());
  }, 50);
  let kernelOnly: Alignment | undefined;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    kernelOnly = await align(false);
    const { user, system } = process.cpuUsage(before);
    seconds.push(kernelOnly.seconds);
    cpu.push((user + system) / 1e6);
  }
  const byLabel = await align(true);
  clearInterval(memory);
  if (kernelOnly === undefined) throw new Error('nothing was aligned');
  const shares = sharesOf(made.map(({ label }) => label));
  console.log(
    `wall ${seconds.map((s) => s.toFixed(1)).join(', ')} s, processor ${cpu.map((s) => s.toFixed(1)).join(', ')} s`,
  );
  console.log(`shares by the kernel alone: ${shares.map((share) => `${(100 * share).toFixed(1)} %`).join(', ')}`);
  console.log(
    `effective sample size ${kernelOnly.effectiveSampleSize.toFixed(0)} of 5000, gap ${kernelOnly.gap.toExponential(1)}`,
  );
  verdict(thresholds, {
    seconds: median(seconds),
    cpuSeconds: median(cpu),
    memoryMiB: highest,
    mmd2Left: kernelOnly.mmd2After / kernelOnly.mmd2Before,
    shareError: Math.max(...shares.map((share) => Math.abs(share - 1 / kinds))),
    shareErrorByLabel: Math.max(...(byLabel.labels ?? []).map(({ real, after }) => Math.abs(real - after))),
    ...againstSlow(),
    streamedCpuMs: solutionCpuMs(),
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Shares of the kinds among the candidates, whose kinds these are, by the weights in the file. */
function sharesOf(madeKinds: readonly string[]): readonly number[] {
  const lines = readFileSync(join(folder, 'weights.jsonl'), 'utf8').trimEnd().split('\n');
  const sums = new Float64Array(kinds);
  for (const [i, line] of lines.entries()) {
    const kind = Number(madeKinds[i]?.slice(-1));
    sums[kind] = (sums[kind] ?? 0) + JSON.parse(line).weight / lines.length;
  }
  return [...sums];
}

/** How far the MMD^2 of 600 weighted candidates is from that of a plain reference with 2,000 iterations. */
function againstSlow() {
  const items = stack([...records(600, [10, 10, 1, 1])].map(({ vector }) => vector));
  const real = stack([...records(600, [1, 1, 1, 1])].map(({ vector }) => vector));
  const bandwidth = 0.9;
  const entries = new Float64Array(600 * 600);
  const target = new Float64Array(600);
  for (let i = 0; i < 600; i++) {
    for (let j = 0; j < 600; j++) {
      entries[i * 600 + j] = rbf(squaredDistance(items, i, items, j), bandwidth);
      target[i] = (target[i] ?? 0) + rbf(squaredDistance(items, i, real, j), bandwidth) / 600;
    }
  }
  const fast = mmdWeights({ kernel: denseMatrix(entries, 600), target, tolerance: 1e-10 });
  const slow = exponentiated(entries, target, 1e-3 * 600, 2000);
  const [a, b] = [fast.weights, slow].map((weights) => weightedMmd2(real, items, weights, bandwidth));
  console.log(`600 candidates: ${fast.iterations} iterations, MMD² ${a?.toFixed(6)}; slow reference ${b?.toFixed(6)}`);
  return { slowReferenceDifference: Math.abs((a ?? 0) - (b ?? 1)) };
}

/** Exponentiated gradients: the slow reference, which needs no projection. */
function exponentiated(entries: Float64Array, target: Float64Array, ridge: number, steps: number): Float64Array {
  const n = target.length;
  let weights = new Float64Array(n).fill(1 / n);
  for (let step = 0; step < steps; step++) {
    const gradient = Float64Array.from({ length: n }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += (entries[i * n + j] ?? 0) * (weights[j] ?? 0);
      return sum - (target[i] ?? 0) + ridge * (weights[i] ?? 0);
    });
    const moved = weights.map((weight, i) => weight * Math.exp(-4 * (gradient[i] ?? 0)));
    const total = moved.reduce((sum, weight) => sum + weight, 0);
    weights = moved.map((weight) => weight / total);
  }
  return weights;
}

/** Of a solution of the stream, from the last one on: 1,024 texts, 512 frequencies. */
function solutionCpuMs(): number {
  const features = alignmentFeatures({ objective: 'kernel', dimensions, frequencies: 512, bandwidth: 0.9, seed: 3 });
  const phi = new Float64Array(features.length);
  const rows = new Float32Array(1024 * features.length);
  const mean = new Float64Array(features.length);
  for (const { vector } of records(2048, [1, 1, 1, 1])) {
    features.map(vector, phi);
    for (let i = 0; i < phi.length; i++) mean[i] = (mean[i] ?? 0) + (phi[i] ?? 0) / 2048;
  }
  let at = 0;
  for (const { vector } of records(1024, [10, 10, 1, 1])) {
    features.map(vector, phi);
    rows.set(phi, at++ * features.length);
  }
  const kernel = featureMatrix(rows, 1024);
  const target = new Float64Array(1024);
  kernel.dots(mean, target);
  let start = mmdWeights({ kernel, target, cap: 10, tolerance: 1e-6 }).weights;
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // 64 texts of the buffer are new
    for (const { vector } of records(64, [10, 10, 1, 1])) {
      features.map(vector, phi);
      rows.set(phi, ((round * 64 + (at++ % 64)) % 1024) * features.length);
    }
    kernel.dots(mean, target);
    const before = process.cpuUsage();
    start = mmdWeights({ kernel, target, cap: 10, tolerance: 1e-6, start }).weights;
    ownPart({ kernel, weights: start, cap: 10 / 1024, ridge: 1.024, seed: round });
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return median(times);
}
