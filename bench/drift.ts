import { medianHeuristic } from '../operators/kernels/mmd/median-heuristic.js';
import { type RandomFeatures, randomFeatures } from '../operators/kernels/mmd/random-features.js';
import { stack } from '../operators/kernels/points.js';
import { randomFrom } from '../operators/kernels/random.js';
import { calibratedThresholds } from '../operators/kernels/sequential/calibrated-thresholds.js';
import { DriftTest, splitReference } from '../operators/kernels/sequential/drift-test.js';
import { Newma } from '../operators/kernels/sequential/newma.js';
import { argument, median, printMachine, stopwatch, verdict } from './report.js';
import thresholds from './thresholds/drift.json' with { type: 'json' };

/**
 * The two tests for drift on the same streams: how often they are wrong, and how soon they are right.
 *
 * `npm run bench -- drift [--streams N] [--null N]`: embeddings of 64 dimensions around 8 topics, whose shares stay, jump to others, or go over to these
 * within 1,000, 4,000 or 16,000 records. Both at a window of 64: `calibrated` with a reference of 1,024 and an expected run time of 10,000, `newma` at its
 * defaults. Delays are in records from the beginning of the change, median over the streams that were found. Exits with 1 where
 * `bench/thresholds/drift.json` is missed.
 */

const [dimensions, frequencies, window, size, expectedRunTime] = [64, 128, 64, 1024, 10_000];
const length = 2 * frequencies;
const before = [0.3, 0.25, 0.15, 0.1, 0.08, 0.06, 0.04, 0.02];
const after = [0.05, 0.05, 0.15, 0.1, 0.08, 0.06, 0.25, 0.26];
/** Records that are tested before a change. */
const quiet = 200;
/** Records that are tested behind the end of a change. */
const patience = 500;

/** The numbers of records within which the shares of the topics change. */
const changes = [1, 1000, 4000, 16_000];

/** Whether the features of the next item raise an alarm. */
type Watched = (phi: Float64Array) => boolean;

type Draw = (progress: number) => Float32Array;

const streams = argument('streams', 30);
const nullRecords = argument('null', 5000);

printMachine();
const figures: Record<string, number> = {};
const tests = { calibrated: calibratedTest, newma: newmaTest };
for (const [name, learned] of Object.entries(tests)) {
  const lap = stopwatch();
  const runs = Array.from({ length: streams }, (_, seed) => runOf(learned, seed));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const alarms = sum(runs.map(({ isFalse }) => (isFalse ? 1 : 0)));
  const tested = sum(runs.map((run) => run.tested));
  console.log(`${name}: ${alarms} alarms in ${tested} records without drift`);
  figures[`${name}.falseAlarmsPer10k`] = (10_000 * alarms) / tested;
  for (const [change, records] of changes.entries()) {
    const delays = runs.map((run) => run.delays[change]).filter((delay) => delay !== 'false alarm');
    const found = delays.filter((delay) => delay !== undefined);
    const title = records === 1 ? 'jump' : `within${records}`;
    console.log(`${name}, ${title}: found in ${found.length} of ${delays.length} streams, delay ${median(found)}`);
    figures[`${name}.${title}.foundShare`] = found.length / delays.length;
    figures[`${name}.${title}.delay`] = median(found);
  }
  console.log(`${name}: ${(lap(1).cpuMsPerThousand / 1e6).toFixed(0)} s of processor time`);
}
verdict(thresholds, figures);

/** What a test makes of a stream: without drift, up to the first alarm, and with each change, always as it was after learning. */
function runOf(learned: typeof calibratedTest, seed: number) {
  const { draw, features } = streamOf(seed);
  const begin = learned(draw, features, seed);
  const phi = new Float64Array(length);
  const alarmAfter = (test: Watched, count: number, progress: (n: number) => number) => {
    for (let n = 1; n <= count; n++) {
      features.map(draw(progress(n)), phi);
      if (test(phi)) return n;
    }
    return undefined;
  };
  const alarm = alarmAfter(begin(), nullRecords, () => 0);
  const delays = changes.map((records) => {
    const test = begin();
    if (alarmAfter(test, quiet, () => 0) !== undefined) return 'false alarm';
    return alarmAfter(test, records + patience, (n) => Math.min(1, n / records));
  });
  return { isFalse: alarm !== undefined, tested: alarm ?? nullRecords, delays };
}

function calibratedTest(draw: Draw, features: RandomFeatures, seed: number): () => Watched {
  const reference = new Float64Array(size * length);
  for (let row = 0; row < size; row++) features.map(draw(0), reference.subarray(row * length, (row + 1) * length));
  const options = { features: reference, size, seed };
  const calibrated = calibratedThresholds({ ...options, window, expectedRunTime, maxBootstraps: 20_000 });
  return () => {
    const test = new DriftTest({ ...splitReference({ ...options, ...calibrated }), ...calibrated });
    return (phi) => test.push(phi).alarm;
  };
}

function newmaTest(draw: Draw, features: RandomFeatures): () => Watched {
  const options = { length, window };
  const learning = new Newma(options);
  const phi = new Float64Array(length);
  for (let n = 0; n < learning.learning; n++) {
    features.map(draw(0), phi);
    learning.push(phi);
  }
  return () => {
    const test = new Newma(options, learning.state);
    return (item) => test.push(item).alarm;
  };
}

/** Unit vectors around topics, whose shares are on their way from `before` to `after` by a progress from 0 to 1. */
function streamOf(seed: number): { readonly draw: Draw; readonly features: RandomFeatures } {
  const random = randomFrom(seed);
  const vector = () => Float32Array.from({ length: dimensions }, () => random.gaussian());
  const topics = before.map(vector);
  const draw: Draw = (progress) => {
    let left = random.float();
    let topic = 0;
    for (; topic < topics.length - 1; topic++) {
      left -= (1 - progress) * (before[topic] ?? 0) + progress * (after[topic] ?? 0);
      if (left < 0) break;
    }
    const item = vector().map((value, i) => (topics[topic]?.[i] ?? 0) + 0.7 * value);
    const norm = Math.hypot(...item);
    return item.map((value) => value / norm);
  };
  const bandwidth = medianHeuristic(stack(Array.from({ length: 256 }, () => draw(0))));
  return { draw, features: randomFeatures({ dimensions, frequencies, bandwidth, seed }) };
}
