import { describe, expect, test } from 'vitest';

import { exactDistances, featureDistances } from '../../../cli/align/distance-tasks.js';
import type { TwoFeatures } from '../../../cli/align/each-features.js';
import { FeatureMeans, heldFeatureSums } from '../../../cli/align/feature-means.js';
import { exactWeights, featureWeights } from '../../../cli/align/solve-group.js';
import { acrossPairs, permutedPairs, withinPairs } from '../../../cli/compare/pair-tasks.js';
import { vendiScoreTask } from '../../../cli/compare/vendi-task.js';
import { medianDistance } from '../../../cli/files/median-bandwidth.js';
import { inTurns } from '../../../cli/threads/compute.js';
import { inThread } from '../../../cli/threads/in-thread.js';
import type { Task } from '../../../cli/threads/task.js';
import { within } from '../../../operators/kernels/diversity/neighbours.js';
import type { Points } from '../../../operators/kernels/points.js';
import { randomFrom } from '../../../operators/kernels/random.js';
import { sharedFloats } from '../../../operators/kernels/shared-floats.js';
import { VectorSummary } from '../../../operators/quality/vector-summary.js';

const dimensions = 12;
const signal = new AbortController().signal;

/** Unit vectors around one direction, in shared memory as files are read into. */
function unitPoints(size: number, seed: number): Points {
  const random = randomFrom(seed);
  const data = sharedFloats(size * dimensions);
  for (let i = 0; i < size; i++) {
    const vector = Array.from({ length: dimensions }, (_, k) => random.gaussian() + (k === seed ? 2 : 0));
    const norm = Math.hypot(...vector);
    data.set(
      vector.map((value) => value / norm),
      i * dimensions,
    );
  }
  return { data, size, dimensions };
}

const [real, candidates] = [unitPoints(150, 1), unitPoints(120, 2)];
const kernel = { name: 'rbf', bandwidth: 0.7 } as const;
const labels = Array.from({ length: real.size }, (_, i) => (i % 3 === 0 ? 'a' : undefined));
const places = Uint32Array.from({ length: 60 }, (_, i) => 2 * i);
const realPlaces = Uint32Array.from({ length: 50 }, (_, i) => 3 * i);
const limits = { regularization: 1e-4, cap: 10, minEffectiveShare: 0.2 };
const [even, fitted] = [new Float64Array(120).fill(1 / 120), Float64Array.from({ length: 120 }, (_, i) => i / 7140)];
const common = { objective: 'kernel', dimensions, frequencies: 32, bandwidth: 0.7 } as const;
const features: TwoFeatures = { bandwidth: 0.7, fit: { ...common, seed: 1 }, judge: { ...common, seed: 2 } };

function directions(vectors: Points) {
  const summary = new VectorSummary({ dimensions, sample: 10, seed: 0 });
  for (let i = 0; i < vectors.size; i++) {
    summary.add(Float32Array.from(vectors.data.subarray(i * dimensions, (i + 1) * dimensions)));
  }
  return summary.directions;
}

/** By a thread and here; it must be the same to the last bit. */
async function both<Job, Result, Told>(task: Task<Job, Result, Told>, job: Job): Promise<Result> {
  const here = await inTurns(task, job, { signal });
  expect(await inThread(task, job, { signal })).toEqual(here);
  return here;
}

describe('a thread gives what the main thread gives', () => {
  test('pairs and permutations', async () => {
    const job = { points: real, neighbours: 5, kernel };
    const inReal = await both(withinPairs, job);
    expect(inReal).toEqual(within(real, 5, kernel));
    const inCandidates = await both(withinPairs, { ...job, points: candidates });
    const across = { a: real, b: candidates, rimOfA: inReal.rim, rimOfB: inCandidates.rim, kernel };
    expect((await both(acrossPairs, across)).kernelSum).toBeGreaterThan(0);
    const { pValue } = await both(permutedPairs, { a: real, b: candidates, kernel, permutations: 99, seed: 3 });
    expect(pValue).toBe(0.01);
  });

  test('the Vendi score, and the bandwidth', async () => {
    const { score, records } = await both(vendiScoreTask, directions(real));
    expect([records, score > 1 && score < dimensions]).toEqual([150, true]);
    expect(await both(medianDistance, { points: real, seed: 0 })).toBeGreaterThan(0);
  });

  test('weights by the kernel, and the distances that they make', async () => {
    const job = { ...limits, candidates, places, real, realPlaces, bandwidth: 0.7 };
    const { weights, others } = await both(exactWeights, job);
    expect([weights.length, others]).toEqual([60, null]);
    const { before, after } = await both(exactDistances, { candidates, real, bandwidth: 0.7, even, fitted });
    expect(before).toBeGreaterThan(0);
    expect(after).not.toBe(before);
  });

  test('weights in features, and the distances that they make', async () => {
    const sums = await both(heldFeatureSums, { features, points: real, labels });
    expect([...sums.byLabel].map(([label, { count }]) => [label, count])).toEqual([
      ['a', 50],
      [undefined, 100],
    ]);
    const means = new FeatureMeans(features, sums);
    const own = { candidates, places, features: features.fit, target: means.meanOf('a'), seed: 1 };
    const { others, weights } = await both(featureWeights, { ...limits, ...own, withOthers: true });
    expect([weights.length, others?.witness.length]).toEqual([60, 64]);
    expect((await both(featureWeights, { ...limits, ...own, withOthers: false })).others).toBeNull();
    const job = { candidates, features: features.judge, target: means.judgeMean, even, fitted };
    expect((await both(featureDistances, job)).before).toBeGreaterThan(0);
  });

  test('the error of a kernel', async () => {
    const broken = { ...real, data: Float32Array.from(real.data).fill(Number.NaN, 0, dimensions) };
    for (const run of [inThread, inTurns]) {
      await expect(run(medianDistance, { points: broken, seed: 0 }, { signal })).rejects.toThrow(
        new TypeError('points: expected finite numbers'),
      );
    }
  });
});

test('small jobs are done here, those that block for long are not', () => {
  const big = (size: number, width: number): Points => ({ data: new Float32Array(0), size, dimensions: width });
  const all = (count: number) => new Uint32Array(count);
  const exact = (size: number, width: number) =>
    exactWeights.estimatedMs({
      ...limits,
      candidates: big(size, width),
      places: all(size),
      real: big(size, width),
      realPlaces: all(size),
      bandwidth: 1,
    });
  expect(exact(100, 256)).toBeLessThan(20);
  expect(exact(2500, 1024)).toBeGreaterThan(1000);
  expect(medianDistance.estimatedMs({ points: big(20_000, 64), seed: 0 })).toBeLessThan(50);
  expect(medianDistance.estimatedMs({ points: big(20_000, 256), seed: 0 })).toBeGreaterThan(50);
  expect(withinPairs.estimatedMs({ points: big(300, 256), neighbours: 5, kernel })).toBeLessThan(20);
  expect(withinPairs.estimatedMs({ points: big(10_000, 256), neighbours: 5, kernel })).toBeGreaterThan(500);
  expect(vendiScoreTask.estimatedMs({ records: 5000, dimensions: 512, points: big(512, 512) })).toBeGreaterThan(500);
});
