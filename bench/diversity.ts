import { from, last, lastValueFrom } from 'rxjs';

import { CosineSum, DecayedCosineSum } from '../operators/kernels/diversity/cosine-sum.js';
import { nearestCosine } from '../operators/kernels/diversity/nearest.js';
import { SecondMoment, vendiScore } from '../operators/kernels/diversity/second-moment.js';
import { randomFrom } from '../operators/kernels/random.js';
import type { EmbeddedDraft } from '../operators/quality/embedded-draft.js';
import { measure } from '../operators/quality/measure.js';
import type { Sample } from '../schemas/sample.js';
import { median, printMachine, verdict } from './report.js';
import thresholds from './thresholds/diversity.json' with { type: 'json' };

/**
 * What the figures of diversity cost a record at 256 dimensions, and how far their sums drift from the batch formula.
 *
 * `npm run bench -- diversity`: five passes after one to warm up; the median of their processor time counts. Exits with 1 where a figure misses
 * `bench/thresholds/diversity.json`.
 */

const dimensions = 256;
const window = 512;
const records = 1_000_000;
const passes = 5;
const random = randomFrom(7);
const vectors = Array.from({ length: 1024 }, unitVector);
const at = (n: number) => vectors[n % vectors.length] ?? new Float32Array(dimensions);

printMachine(['ml-matrix', 'fastest-levenshtein']);
const drift = driftAfter(records);
console.log(
  `drift after ${records} adds and removes: ${drift.toExponential(2)} in a window, ${driftOfTotal().toExponential(2)} in total`,
);

const sums = microseconds(100_000, () => {
  const total = new CosineSum(dimensions);
  const windowed = new CosineSum(dimensions);
  const decayed = new DecayedCosineSum(dimensions, 256);
  return (n) => {
    total.add(at(n));
    if (n < window) windowed.add(at(n));
    else windowed.replace(at(n - window), at(n));
    decayed.add(at(n));
  };
});
const moment = microseconds(4_000, () => {
  const moving = new SecondMoment(dimensions);
  return (n) => {
    moving.add(at(n));
    if (n >= window) moving.remove(at(n - window));
  };
});
const points = { data: Float32Array.from(vectors.slice(0, window).flatMap((v) => [...v])), size: window, dimensions };
const nearest = microseconds(4_000, () => (n) => void nearestCosine(points, at(n)));
const full = new SecondMoment(dimensions);
for (const vector of vectors.slice(0, window)) full.add(vector);
const eigenvalues = microseconds(2, () => () => void vendiScore(full.eigenvalues()));
const wholeRecords = 3_000;
const measured = await measuredMicroseconds();

const line = (name: string, value: number) => console.log(`${name.padEnd(44)}${value.toFixed(2)} CPU-µs`);
line('cosine sums: total, window, decayed', sums);
line('second moment: one in, one out', moment);
line(`nearest of ${window}`, nearest);
line('eigenvalues and Vendi score, once', eigenvalues);
line('operator measure, all of it, every 64', measured);
verdict(thresholds, {
  drift: Math.max(drift, driftOfTotal()),
  sumsMicroseconds: sums,
  momentMicroseconds: moment,
  measureMicroseconds: measured,
});

/** Of the windowed mean from the batch formula, after so many records have come and gone. */
function driftAfter(count: number): number {
  const sum = new CosineSum(dimensions);
  for (let n = 0; n < count; n++) {
    sum.add(at(n * 31));
    if (n >= window) sum.remove(at((n - window) * 31));
  }
  const inside = Array.from({ length: window }, (_, i) => at((count - window + i) * 31));
  return Math.abs(sum.mean().mean - batchMean(inside));
}

function driftOfTotal(): number {
  const sum = new CosineSum(dimensions);
  for (let n = 0; n < vectors.length; n++) sum.add(at(n));
  return Math.abs(sum.mean().mean - batchMean(vectors));
}

/** The mean over the strict upper triangle of Z Z', pair by pair. */
function batchMean(rows: readonly Float32Array[]): number {
  let total = 0;
  for (const [i, a] of rows.entries()) {
    for (const b of rows.slice(0, i)) {
      let dot = 0;
      for (let k = 0; k < dimensions; k++) dot += (a[k] ?? 0) * (b[k] ?? 0);
      total += dot;
    }
  }
  return total / ((rows.length * (rows.length - 1)) / 2);
}

/** Processor time of one call, so that what else the machine does hardly counts. */
function microseconds(count: number, make: () => (n: number) => void): number {
  const each: number[] = [];
  for (let pass = 0; pass <= passes; pass++) {
    const work = make();
    const started = process.cpuUsage();
    for (let n = 0; n < count; n++) work(n);
    if (pass > 0) each.push(process.cpuUsage(started).user / count);
  }
  return median(each);
}

/** With a draft before each sample, of 100 words each. */
async function measuredMicroseconds(): Promise<number> {
  const inputs = Array.from({ length: wholeRecords }, (_, n) => [draftOf(n), sampleOf(n)] as const).flat();
  const each: number[] = [];
  for (let pass = 0; pass < 3; pass++) {
    const operator = measure({ embedder: { id: 'bench', dimensions }, lane: 0, memory: new Map(), seed: 7 });
    const started = process.cpuUsage();
    await lastValueFrom(from(inputs).pipe(operator, last()));
    each.push(process.cpuUsage(started).user / wholeRecords);
  }
  return median(each);
}

function draftOf(n: number): EmbeddedDraft {
  const { fields } = sampleOf(n);
  const draft = { text: `${fields['text']?.slice(20)} and so on` };
  return { kind: 'embedded-draft', id: String(n), draft, refined: fields, embedding: at(n + 1) };
}

function sampleOf(n: number): Sample {
  const words = Array.from({ length: 100 }, (_, i) => `word${(n * 37 + i * i) % 5000}`);
  const lineage = {
    seedIds: [],
    documentIds: [],
    realIds: [],
    planId: '',
    draftId: '',
    promptIds: [],
    models: [],
    promptTokens: 0,
    completionTokens: 0,
    cost: 0,
    calls: [],
    attributes: [],
  };
  return {
    kind: 'sample',
    id: String(n),
    lane: 0,
    ordinal: n,
    fields: { text: words.join(' ') },
    weight: 1,
    embedding: at(n),
    lineage,
    createdAt: n,
  };
}

function unitVector() {
  const vector = Float64Array.from({ length: dimensions }, () => random.gaussian() + 0.5);
  const norm = Math.hypot(...vector);
  return Float32Array.from(vector, (x) => x / norm);
}
