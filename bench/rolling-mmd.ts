import { Subject } from 'rxjs';
import { unbiasedMmd2 } from '../operators/kernels/mmd/mmd.js';
import { randomFeatures } from '../operators/kernels/mmd/random-features.js';
import { randomFrom } from '../operators/kernels/random.js';
import { BettingTest } from '../operators/kernels/sequential/betting.js';
import { Calibration, calibratedThresholds } from '../operators/kernels/sequential/calibrated-thresholds.js';
import { DriftTest, splitReference } from '../operators/kernels/sequential/drift-test.js';
import type { EmbeddedReal } from '../operators/synalign/embedded-real.js';
import { type RollingMmdOptions, rollingMmd } from '../operators/synalign/mmd/rolling-mmd.js';
import { recordId } from '../schemas/ids.js';
import { realSchema } from '../schemas/real.js';
import { type Sample, sampleSchema } from '../schemas/sample.js';
import { argument, growthOf, median, printMachine, residentMiB, stopwatch, verdict } from './report.js';
import thresholds from './thresholds/rolling-mmd.json' with { type: 'json' };

/**
 * What the rolling MMD costs, and whether its tests keep their word.
 *
 * `npm run bench -- rolling-mmd [--records N] [--runs N] [--streams N]`: real records and samples of 256 dimensions by turns through
 * `rollingMmd` at its defaults (512 frequencies, two windows of 512, a correction every 8 samples, labels on each sample), beside slow
 * references; the same with five attributes a sample, and with these and a watched drift, by both tests; calibrations; run lengths without
 * drift (window 10, reference 400, expected run time 40, 4,000 splits); false alarms of the betting test. Costs are processor time of one
 * thread. Exits with 1 where `bench/thresholds/rolling-mmd.json` is missed.
 */

const [dimensions, frequencies, window] = [256, 512, 512];
const embedder = { id: 'bench/vectors@256', dimensions };

const records = argument('records', 1_000_000);
const runs = argument('runs', 1000);
const streams = argument('streams', 2000);

printMachine();
const pool = unitVectors(4096, 1);
const figures = {
  ...features(),
  ...rolling('drift off', {}, records, []),
  ...prefixed('attributes', rolling('five attributes', {}, records / 10)),
  ...prefixed(
    'drift',
    rolling('drift watched', { drift: { expectedRunTime: 1e9, window: 64, reference: 1024 } }, records / 10),
  ),
  ...prefixed(
    'newma',
    rolling('drift by NEWMA', { drift: { test: 'newma', window: 64, deviations: 7 } }, records / 10),
  ),
  ...slowReference(),
  ...calibration(64, 1024),
  ...prefixed('large', calibration(512, 4096)),
  ...runLengths(),
  ...falseAlarms(),
};
verdict(thresholds, figures);

/** One feature map, by SIMD and in plain TypeScript. */
function features(): Record<string, number> {
  const micros = (simd: boolean | undefined) => {
    const map = randomFeatures({
      dimensions,
      frequencies,
      bandwidth: 0.9,
      seed: 7,
      ...(simd === undefined ? {} : { simd }),
    });
    const phi = new Float64Array(2 * frequencies);
    const rounds = Array.from({ length: 7 }, () => {
      const lap = stopwatch();
      for (const vector of pool.slice(0, 1000)) map.map(vector, phi);
      return lap(1000).cpuMsPerThousand;
    });
    return median(rounds.slice(2));
  };
  const [fast, plain] = [micros(undefined), micros(false)];
  console.log(`features of one vector: ${fast.toFixed(1)} us, ${plain.toFixed(1)} us without SIMD`);
  return { featureMicros: fast };
}

/** Records through the operator; memory is read a hundred times. */
function rolling(
  name: string,
  options: Partial<RollingMmdOptions>,
  count: number,
  attributes: readonly string[] = ['tone', 'topic', 'style', 'intent', 'length'],
): Record<string, number> {
  const input = new Subject<EmbeddedReal | Sample>();
  let corrections = 0;
  let bytes = 0;
  const operator = rollingMmd({ embedder, lane: 0, memory: new Map(), seed: 7, window, frequencies, ...options });
  input.pipe(operator).subscribe((outcome) => {
    if (outcome.kind !== 'emitted') return;
    for (const output of outcome.outputs) {
      if (output.kind !== 'correction') continue;
      corrections++;
      if (corrections % 1000 === 1) bytes = Math.max(bytes, Buffer.byteLength(JSON.stringify(output)));
    }
  });
  const [real, sample] = [realTemplate(), sampleTemplates(attributes)];
  const push = (n: number) => {
    const embedding = pool[(n * 2531) % pool.length] ?? new Float32Array(dimensions);
    if (n % 2 === 0) input.next({ kind: 'embedded-real', real, embedding });
    else input.next({ ...(sample[n % 5] ?? sample[0]), ordinal: n, embedding } as Sample);
  };
  const warm = Math.min(20_000, count / 2);
  for (let n = 0; n < warm; n++) push(n);
  const memory: number[] = [];
  const costs: number[] = [];
  const part = Math.floor(count / 100);
  let longest = 0;
  for (let done = 0; done < 100; done++) {
    const lap = stopwatch();
    for (let n = 0; n < part; n++) push(warm + done * part + n);
    const { cpuMsPerThousand } = lap(part);
    costs.push(cpuMsPerThousand);
    longest = Math.max(longest, cpuMsPerThousand);
    memory.push(residentMiB());
  }
  input.complete();
  const micros = costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
  const growth = growthOf(memory);
  console.log(
    `${name}: ${(100 * part).toFixed(0)} records, ${micros.toFixed(1)} us each (worst hundredth ${longest.toFixed(1)}), memory ${median(memory).toFixed(0)} MiB, ` +
      `grew by ${growth.toFixed(1)} MiB, ${corrections} corrections of up to ${bytes} bytes`,
  );
  return { recordMicros: micros, memoryGrowthMiB: growth, correctionBytes: bytes };
}

/** The exact MMD of the two windows, as a test without sums would compute it at each correction. */
function slowReference(): Record<string, number> {
  const points = (from: number) => {
    const data = new Float32Array(window * dimensions);
    for (let i = 0; i < window; i++) data.set(pool[from + i] ?? [], i * dimensions);
    return { data, size: window, dimensions };
  };
  const lap = stopwatch();
  unbiasedMmd2(points(0), points(window), 0.9);
  const micros = lap(1).cpuMsPerThousand;
  console.log(`slow reference, exact MMD of two windows of ${window}: ${(micros / 1000).toFixed(0)} ms a correction`);
  return { exactMicros: micros };
}

/** With the default expected run time of 10,000; by default the window is 64 and the reference 1,024. */
function calibration(tested: number, size: number): Record<string, number> {
  const map = randomFeatures({ dimensions, frequencies, bandwidth: 0.9, seed: 7 });
  const length = 2 * frequencies;
  const reference = new Float64Array(size * length);
  for (let i = 0; i < size; i++) {
    map.map(pool[i % pool.length] ?? new Float32Array(dimensions), reference.subarray(i * length, (i + 1) * length));
  }
  const work = new Calibration({ features: reference, size, window: tested, expectedRunTime: 10_000, seed: 3 });
  const steps: number[] = [];
  const lap = stopwatch();
  while (!work.done) {
    const step = stopwatch();
    work.step();
    steps.push(step(1).cpuMsPerThousand / 1000);
  }
  const seconds = lap(1).cpuMsPerThousand / 1e6;
  const longest = Math.max(...steps);
  console.log(
    `calibration, window ${tested}, reference ${size}: ${work.bootstraps} splits in ${steps.length} steps, ${seconds.toFixed(2)} s in all, ${median(steps).toFixed(1)} ms a step, longest ${longest.toFixed(0)} ms`,
  );
  return { calibrationStepMs: longest, calibrationSeconds: seconds };
}

/** Items until the false alarm, each on a reference of its own. */
function runLengths(): Record<string, number> {
  const [size, items, expected, few] = [400, 10, 40, 64];
  const lengths: number[] = [];
  for (let run = 0; run < runs; run++) {
    const random = randomFrom(run);
    const map = randomFeatures({ dimensions: 2, frequencies: few, bandwidth: 1, seed: run });
    const draw = (into: Float64Array) => map.map(Float32Array.of(random.gaussian(), random.gaussian()), into);
    const reference = new Float64Array(size * 2 * few);
    for (let i = 0; i < size; i++) draw(reference.subarray(i * 2 * few, (i + 1) * 2 * few));
    const options = { features: reference, size, seed: run };
    const calibrated = calibratedThresholds({
      ...options,
      window: items,
      expectedRunTime: expected,
      maxBootstraps: 4000,
    });
    const test = new DriftTest({ ...splitReference({ ...options, ...calibrated }), ...calibrated });
    const phi = new Float64Array(2 * few);
    do draw(phi);
    while (!test.push(phi).alarm);
    lengths.push(test.tested);
  }
  const mean = lengths.reduce((sum, length) => sum + length, 0) / runs;
  const deviation = Math.sqrt(lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / (runs - 1));
  console.log(
    `run lengths: ${runs} runs without drift, asked ${expected}, mean ${mean.toFixed(1)} +- ${(deviation / Math.sqrt(runs)).toFixed(1)}, ` +
      `deviation / mean ${(deviation / mean).toFixed(2)}, median ${median(lengths)}`,
  );
  return { runLengthError: Math.abs(mean / expected - 1), runLengthSpread: deviation / mean };
}

/** Streams that are alike, and how many are ever called different at alpha 0.05 within 1,000 pairs. */
function falseAlarms(): Record<string, number> {
  const [few, pairs, alpha] = [16, 1000, 0.05];
  let rejected = 0;
  for (let stream = 0; stream < streams; stream++) {
    const random = randomFrom(stream);
    const map = randomFeatures({ dimensions: 3, frequencies: few, bandwidth: 1.2, seed: stream });
    const test = new BettingTest({ length: 2 * few, alpha });
    const [x, y] = [new Float64Array(2 * few), new Float64Array(2 * few)];
    for (let pair = 0; pair < pairs; pair++) {
      for (const into of [x, y])
        map.map(
          Float32Array.from({ length: 3 }, () => random.gaussian()),
          into,
        );
      test.push(x, y);
    }
    if (test.rejected) rejected++;
  }
  console.log(
    `betting test: ${rejected} of ${streams} equal pairs of streams called different in ${pairs} pairs, alpha ${alpha}`,
  );
  return { bettingFalseAlarmShare: rejected / streams };
}

function prefixed(prefix: string, found: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [`${prefix}.${name}`, value]));
}

function unitVectors(count: number, seed: number): readonly Float32Array[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => {
    const vector = Float32Array.from({ length: dimensions }, () => random.gaussian());
    const norm = Math.hypot(...vector);
    return vector.map((value) => value / norm);
  });
}

function realTemplate() {
  const fields = {
    subject: 'A subject of some words',
    body: 'And a body of some more words, as they come. '.repeat(5),
  };
  return realSchema.parse({ kind: 'real', id: recordId('real', 1), fields, label: 'ham', origin: { line: 1 } });
}

/** Five, with attributes that some of them share. */
function sampleTemplates(attributes: readonly string[]): readonly Sample[] {
  return Array.from({ length: 5 }, (_, n) =>
    sampleSchema.parse({
      kind: 'sample',
      id: recordId('sample', n),
      lane: 0,
      ordinal: 0,
      fields: { subject: 'A subject' },
      label: n % 2 === 0 ? 'ham' : 'spam',
      weight: 1,
      embedding: new Float32Array(dimensions),
      lineage: {
        seedIds: [],
        documentIds: [],
        realIds: [],
        planId: recordId('plan', n),
        draftId: recordId('draft', n),
        attributes: attributes.map((name) => ({ name, value: `${name} ${n % 3}` })),
        promptIds: [],
        models: [],
        promptTokens: 0,
        completionTokens: 0,
        cost: null,
        calls: [],
      },
      createdAt: 0,
    }),
  );
}
