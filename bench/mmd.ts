import { allRows, drawToFront } from '../operators/kernels/draw-rows.js';
import { exactMmd2 } from '../operators/kernels/mmd/exact-mmd.js';
import { featureMmd2 } from '../operators/kernels/mmd/feature-mmd.js';
import { medianHeuristic } from '../operators/kernels/mmd/median-heuristic.js';
import { biasedMmd2, unbiasedMmd2 } from '../operators/kernels/mmd/mmd.js';
import { permutationTest } from '../operators/kernels/mmd/permutation-test.js';
import { randomFeatures } from '../operators/kernels/mmd/random-features.js';
import { rbf } from '../operators/kernels/mmd/rbf.js';
import { type Points, squaredDistance } from '../operators/kernels/points.js';
import { randomFrom } from '../operators/kernels/random.js';
import { median, printMachine, residentMiB, verdict } from './report.js';
import thresholds from './thresholds/mmd.json' with { type: 'json' };

/**
 * What exact MMD, its permutation test and MMD by random features cost on one core, beside plain loops in float64.
 *
 * `npm run bench -- mmd`: five passes of the test after two to warm up, the median of their processor time counts, as all of it runs in one
 * thread. The plain loops use the same permutations and must give the same p-value, and the same MMD to 1e-6. Those over
 * 20,000 points would take eight minutes, so they run over 1,000 and their time is multiplied by 400. Exits with 1 where a
 * figure misses `bench/thresholds/mmd.json`.
 */

const passes = 5;
const warmUps = 2;

printMachine();
const [x, y] = [units(1000, 384, 1, 0), units(1000, 384, 2, 0.015)];
const bandwidth = medianHeuristic(x);

const hundred = measured(() => permutationTest(x, y, bandwidth, { permutations: 100, seed: 7 }));
const thousand = measured(() => permutationTest(x, y, bandwidth, { permutations: 1000, seed: 7 }));
const alone = measured(() => exactMmd2(x, y, bandwidth));
const plainHundred = once(() => plainTest(x, y, bandwidth, 100, 7));
line('1,000 against 1,000, 384 dimensions, 100 permutations', hundred);
line('  plain loops', plainHundred);
line('1,000 permutations', thousand);
line('the statistic alone', alone);
const plain = unbiasedMmd2(x, y, bandwidth);
console.log(`MMD² ${alone.result.unbiased?.toFixed(8)}, plain ${plain.toFixed(8)}`);
console.log(`p ${hundred.result.pValue.toFixed(4)}, plain ${plainHundred.result.toFixed(4)}`);

const [many, others] = [units(20_000, 256, 3, 0), units(20_000, 256, 4, 0.1)];
const wide = medianHeuristic(many);
const before = residentMiB();
let highest = before;
const sample = () => {
  highest = Math.max(highest, residentMiB());
};
const large = once(() => exactMmd2(many, others, wide, { progress: sample }));
line('20,000 against 20,000, 256 dimensions', large);
const [part, other] = [rowsOf(many, 1000), rowsOf(others, 1000)];
const plainPart = once(() => [unbiasedMmd2(part, other, wide), biasedMmd2(part, other, wide)] as const);
const fastPart = exactMmd2(part, other, wide);
// two plain estimators were made
line('  plain loops, from 1,000 against 1,000', {
  ...plainPart,
  cpuMs: 200 * plainPart.cpuMs,
  wallMs: 200 * plainPart.wallMs,
});
console.log(`memory ${highest.toFixed(0)} MiB, of which ${before.toFixed(0)} MiB before, with the points`);

const features = (frequencies: number) => randomFeatures({ dimensions: 256, frequencies, bandwidth: wide, seed: 7 });
featureMmd2(part, other, features(1024));
const byFeatures = once(() => featureMmd2(many, others, features(1024)));
line('  1,024 frequencies, 2,048 random features', byFeatures);
console.log(`MMD² ${large.result.unbiased?.toFixed(8)}, by random features ${byFeatures.result.unbiased?.toFixed(8)}`);

verdict(thresholds, {
  hundredPermutationsMs: hundred.cpuMs,
  thousandPermutationsMs: thousand.cpuMs,
  differenceOfPValues: Math.abs(hundred.result.pValue - plainHundred.result),
  largeSeconds: large.cpuMs / 1000,
  largeMemoryMiB: highest,
  featuresSeconds: byFeatures.cpuMs / 1000,
  error: Math.max(
    Math.abs((alone.result.unbiased ?? Number.NaN) - plain),
    Math.abs(hundred.result.mmd2 - plain),
    Math.abs((fastPart.unbiased ?? Number.NaN) - plainPart.result[0]),
    Math.abs(fastPart.biased - plainPart.result[1]),
  ),
  featuresError: Math.abs((byFeatures.result.unbiased ?? Number.NaN) - (large.result.unbiased ?? Number.NaN)),
  timesFasterThanPlain: plainHundred.cpuMs / hundred.cpuMs,
});

interface Measured<Result> {
  readonly result: Result;
  readonly cpuMs: number;
  readonly wallMs: number;
}

function once<Result>(work: () => Result): Measured<Result> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const result = work();
  const { user, system } = process.cpuUsage(cpu);
  return { result, cpuMs: (user + system) / 1000, wallMs: performance.now() - started };
}

function measured<Result>(work: () => Result): Measured<Result> {
  for (let i = 0; i < warmUps; i++) work();
  const all = Array.from({ length: passes }, () => once(work));
  const result = all[0]?.result ?? work();
  return { result, cpuMs: median(all.map(({ cpuMs }) => cpuMs)), wallMs: median(all.map(({ wallMs }) => wallMs)) };
}

function line(name: string, { cpuMs, wallMs }: Measured<unknown>): void {
  console.log(`${name.padEnd(58)}${cpuMs.toFixed(0).padStart(9)} CPU-ms${wallMs.toFixed(0).padStart(9)} ms`);
}

/** One Gram matrix of all points in float64, and a double loop over it for each permutation. */
function plainTest(a: Points, b: Points, width: number, permutations: number, seed: number): number {
  const size = a.size + b.size;
  const data = new Float32Array(size * a.dimensions);
  data.set(a.data);
  data.set(b.data, a.data.length);
  const pool: Points = { data, size, dimensions: a.dimensions };
  const gram = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) gram[i * size + j] = rbf(squaredDistance(pool, i, pool, j), width);
  }
  const random = randomFrom(seed);
  const deck = allRows(size);
  const observed = plainStatistic(gram, allRows(a.size), size);
  let atLeast = 0;
  for (let done = 0; done < permutations; done++) {
    if (plainStatistic(gram, drawToFront(deck, a.size, random), size) >= observed) atLeast += 1;
  }
  return (1 + atLeast) / (1 + permutations);
}

/** Unbiased, of the members against the others. */
function plainStatistic(gram: Float64Array, members: Uint32Array, size: number): number {
  const group = new Uint8Array(size);
  for (const member of members) group[member] = 1;
  const sums = [0, 0, 0];
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) {
      const both = (group[i] ?? 0) + (group[j] ?? 0);
      sums[both] = (sums[both] ?? 0) + (gram[i * size + j] ?? 0);
    }
  }
  const [n, m] = [members.length, size - members.length];
  const [neither = 0, across = 0, within = 0] = sums;
  return (2 * within) / (n * (n - 1)) + (2 * neither) / (m * (m - 1)) - (2 * across) / (n * m);
}

function rowsOf({ data, dimensions }: Points, size: number): Points {
  return { data: data.subarray(0, size * dimensions), size, dimensions };
}

/** Unit vectors about a direction that the shift is the weight of. */
function units(size: number, dimensions: number, seed: number, shift: number): Points {
  const random = randomFrom(seed);
  const data = Float32Array.from({ length: size * dimensions }, () => random.gaussian());
  for (let i = 0; i < size; i++) {
    const row = data.subarray(i * dimensions, (i + 1) * dimensions);
    row[0] = (row[0] ?? 0) + shift * Math.sqrt(dimensions);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let k = 0; k < dimensions; k++) row[k] = (row[k] ?? 0) / norm;
  }
  return { data, size, dimensions };
}
