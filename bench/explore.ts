import { readFileSync } from 'node:fs';

import { CholeskyDecomposition, Matrix } from 'ml-matrix';

import { GreedyVariance } from '../operators/kernels/gaussian-process/greedy-variance.js';
import { PosteriorVariance } from '../operators/kernels/gaussian-process/posterior-variance.js';
import { medianHeuristic } from '../operators/kernels/mmd/median-heuristic.js';
import { type Points, squaredDistance } from '../operators/kernels/points.js';
import { randomFrom } from '../operators/kernels/random.js';
import { Exploration } from '../operators/synalign/explore/exploration.js';
import type { ExploreStep } from '../schemas/steps/synalign.js';
import { growthOf, median, printMachine, residentMiB, verdict } from './report.js';
import thresholds from './thresholds/explore.json' with { type: 'json' };

/**
 * What exploring costs: 100 picks from 50,000 vectors of 256 dimensions, how far its variances are from a solve, 1,000,000 real records of
 * 64 dimensions through the streaming tracker with its default settings, one pick in 1,000 records, and 640 draws in a row, ages looked at included.
 *
 * `npm run bench -- explore [--records N]`. Exits with 1 where `bench/thresholds/explore.json` is missed. `--points FILE --dimensions D
 * --picks M --bandwidth L` only picks from a file of float32 numbers and prints JSON, for `bench/explore-check.py`.
 */

const args = process.argv.slice(2);
const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);

const file = option('--points');
if (file === undefined) measure(Number(option('--records') ?? 1_000_000));
else pickFrom(file, Number(option('--dimensions')), Number(option('--picks')), Number(option('--bandwidth')));

function measure(records: number): void {
  printMachine(['ml-matrix']);
  const points = unitVectors(50_000, 256);
  const bandwidth = medianHeuristic(points);
  const laps = Array.from({ length: 3 }, () => greedyLap(points, bandwidth, 100));
  const seconds = laps.map((lap) => lap.seconds);
  const cpu = laps.map((lap) => lap.cpuSeconds);
  console.log(
    `100 picks from 50,000 x 256: ${median(seconds).toFixed(2)} s (least ${Math.min(...seconds).toFixed(2)}), ${median(cpu).toFixed(2)} CPU-s`,
  );
  const residualError = Math.max(...laps.map((lap) => solveError(points, bandwidth, lap)));
  console.log(`furthest residual from a solve: ${residualError.toExponential(1)}`);
  const factor = factorLap();
  console.log(
    `256 observations one by one: ${factor.own.toFixed(3)} CPU-s; a decomposition by ml-matrix each time: ${factor.mlMatrix.toFixed(2)} CPU-s`,
  );
  const stream = streamLap(records);
  console.log(
    `${records} real records: ${stream.cpuMicroseconds.toFixed(1)} CPU-µs each; ` +
      `${stream.entries} entries of memory, ${stream.memoryMiB.toFixed(0)} MiB, grown by ${stream.growthMiB.toFixed(1)}`,
  );
  const { draws } = stream;
  console.log(
    `${draws.length} draws: ${mean(draws).toFixed(2)} CPU-ms each, half of them below ${median(draws).toFixed(2)}, the longest ${Math.max(...draws).toFixed(1)}`,
  );
  verdict(thresholds, {
    greedyCpuSeconds: median(cpu),
    greedySeconds: Math.min(...seconds),
    residualError,
    recordCpuMicroseconds: stream.cpuMicroseconds,
    growthMiB: stream.growthMiB,
    entries: stream.entries,
    drawCpuMilliseconds: mean(draws),
    longestDrawCpuMilliseconds: Math.max(...draws),
  });
}

interface Lap {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly picks: readonly number[];
  readonly greedy: GreedyVariance;
}

function greedyLap(points: Points, bandwidth: number, picks: number, first?: number): Lap {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const greedy = new GreedyVariance({ points, bandwidth, jitter: 1e-10, expected: picks });
  const order = Array.from({ length: picks }, (_, i) => greedy.next(i === 0 ? first : undefined).index);
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, cpuSeconds: (user + system) / 1e6, picks: order, greedy };
}

/** Of 500 points spread over all: the greatest difference of a residual and 1 - k' (K + jitter I)^-1 k. */
function solveError(points: Points, bandwidth: number, { picks, greedy }: Lap): number {
  const kernel = (i: number, j: number) => Math.exp(-squaredDistance(points, i, points, j) / (2 * bandwidth ** 2));
  const gram = Matrix.zeros(picks.length, picks.length);
  for (const [a, i] of picks.entries()) {
    for (const [b, j] of picks.entries()) gram.set(a, b, kernel(i, j) + (a === b ? 1e-10 : 0));
  }
  const cholesky = new CholeskyDecomposition(gram);
  let greatest = 0;
  for (let i = 0; i < points.size; i += points.size / 500) {
    const row = Matrix.columnVector(picks.map((j) => kernel(i, j)));
    const variance = 1 - row.transpose().mmul(cholesky.solve(row)).get(0, 0);
    greatest = Math.max(greatest, Math.abs(variance - (greedy.residuals[i] ?? 0)));
  }
  return greatest;
}

/** Why the tracker's factor is its own: ml-matrix decomposes from the start. */
function factorLap(): { readonly own: number; readonly mlMatrix: number } {
  const points = unitVectors(256, 64);
  const rows = Array.from({ length: 256 }, (_, i) => points.data.slice(i * 64, (i + 1) * 64));
  const gram = Matrix.zeros(256, 256);
  for (let i = 0; i < 256; i++) {
    for (let j = 0; j < 256; j++) {
      gram.set(i, j, Math.exp(-squaredDistance(points, i, points, j) / 2) + (i === j ? 1e-6 : 0));
    }
  }
  const own = cpuSeconds(() => {
    const process = new PosteriorVariance({ dimensions: 64, bandwidth: 1, capacity: 256 });
    for (const row of rows) process.add(row, 1e-6);
  });
  const mlMatrix = cpuSeconds(() => {
    for (let m = 1; m <= 256; m++) new CholeskyDecomposition(gram.subMatrix(0, m - 1, 0, m - 1));
  });
  return { own, mlMatrix };
}

/** A stream of 32 clusters; the memory is kept as a stage keeps it. */
function streamLap(records: number) {
  const dimensions = 64;
  const random = randomFrom(3);
  const centres = unitVectors(32, dimensions);
  const memory = new Map<string, unknown>();
  const settings: ExploreStep = {
    examples: 3,
    inducing: 256,
    candidates: 2048,
    halfLife: 512,
    criterion: 'integrated',
  };
  const embedder = { id: 'bench', dimensions };
  const exploration = new Exploration({
    memory: new Map(),
    embedder,
    lane: 0,
    seed: 7,
    settings,
    steer: 'off',
    frequencies: 512,
  });
  const vectors = Array.from({ length: 8192 }, () => {
    const from = random.below(32) * dimensions;
    return unit(
      Float32Array.from({ length: dimensions }, (_, k) => (centres.data[from + k] ?? 0) + 0.1 * random.gaussian()),
    );
  });
  const memoryMiB: number[] = [];
  const drawn = (number: number) => {
    const before = process.cpuUsage();
    apply(memory, exploration.draw({ number, count: 3, label: undefined }).changes);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  let apart = 0;
  const started = process.cpuUsage();
  for (let n = 0; n < records; n++) {
    // another vector in each round, so that there are no copies
    const embedding = vectors[n % vectors.length] ?? new Float32Array(dimensions);
    embedding[n % dimensions] = (embedding[n % dimensions] ?? 0) + 1e-4 * random.gaussian();
    const real = { kind: 'real' as const, id: `real-${n}`, fields: { text: `the text of record ${n}` }, origin: {} };
    apply(memory, exploration.add(real, embedding));
    if (n % 1000 === 999) apart += drawn(n);
    if (n % Math.ceil(records / 200) === 0) memoryMiB.push(residentMiB());
  }
  const { user, system } = process.cpuUsage(started);
  const entries = memory.size;
  // the inducing set is full by then
  for (let draw = 0; draw < settings.inducing; draw++) drawn(records + draw);
  const draws = Array.from({ length: 640 }, (_, draw) => drawn(records + settings.inducing + draw));
  return {
    cpuMicroseconds: (user + system - 1000 * apart) / records,
    draws,
    entries,
    memoryMiB: residentMiB(),
    growthMiB: growthOf(memoryMiB),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function apply(memory: Map<string, unknown>, changes: readonly (readonly [key: string, value: unknown])[]): void {
  for (const [key, value] of changes) {
    if (value === null) memory.delete(key);
    else memory.set(key, value);
  }
}

function pickFrom(path: string, dimensions: number, picks: number, bandwidth: number): void {
  const bytes = readFileSync(path);
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const points = { data, size: data.length / dimensions, dimensions };
  const laps = Array.from({ length: 3 }, () => greedyLap(points, bandwidth, picks, 0));
  console.log(
    JSON.stringify({
      seconds: Math.min(...laps.map((lap) => lap.seconds)),
      cpuSeconds: Math.min(...laps.map((lap) => lap.cpuSeconds)),
      picks: laps[0]?.picks,
    }),
  );
}

function unitVectors(size: number, dimensions: number): Points & { readonly data: Float32Array } {
  const random = randomFrom(7);
  const data = new Float32Array(size * dimensions);
  for (let i = 0; i < size; i++) {
    data.set(unit(Float32Array.from({ length: dimensions }, () => random.gaussian())), i * dimensions);
  }
  return { data, size, dimensions };
}

function unit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return vector.map((value) => value / Math.sqrt(squares));
}

function cpuSeconds(work: () => void): number {
  const started = process.cpuUsage();
  work();
  return process.cpuUsage(started).user / 1e6;
}
