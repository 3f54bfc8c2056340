import { describe, expect, test } from 'vitest';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { Calibration, calibratedThresholds } from '../../../../operators/kernels/sequential/calibrated-thresholds.js';
import { ReferenceGram } from '../../../../operators/kernels/sequential/reference-gram.js';
import { survivorThresholds } from '../../../../operators/kernels/sequential/survivor-thresholds.js';
import { WindowStatistics } from '../../../../operators/kernels/sequential/window-statistics.js';
import { calibrated, meanOf, runLength } from '../drift.js';

describe('Calibration', () => {
  test('T14: run lengths without drift are geometric with the mean that was asked', () => {
    const settings = { size: 400, window: 10, expectedRunTime: 40, maxBootstraps: 4000, frequencies: 32 };
    const runs: number[] = [];
    for (let reference = 0; reference < 100; reference++) {
      const { test, draw } = calibrated(settings, reference);
      for (let split = 0; split < 8; split++) runs.push(runLength(test(split), draw));
    }
    const mean = meanOf(runs);
    const deviation = Math.sqrt(meanOf(runs.map((run) => (run - mean) ** 2)));
    expect(runs.length).toBeGreaterThanOrEqual(400);
    // the mean of 800 such runs has a standard error of 1.4, and that of a hundred references comes to it
    expect(mean).toBeGreaterThan(34);
    expect(mean).toBeLessThan(46);
    expect(deviation / mean).toBeGreaterThan(0.85);
    expect(deviation / mean).toBeLessThan(1.2);
    // the chance of an alarm given none before is the same early and late
    const rate = (from: number, to: number) => {
      const alarms = runs.filter((run) => run >= from && run <= to).length;
      return alarms / runs.reduce((sum, run) => sum + Math.max(0, Math.min(run, to) - from + 1), 0);
    };
    expect(rate(1, 10)).toBeGreaterThan(0.7 / 40);
    expect(rate(1, 10)).toBeLessThan(1.35 / 40);
    expect(rate(11, 40)).toBeGreaterThan(0.7 / 40);
    expect(rate(11, 40)).toBeLessThan(1.35 / 40);
  });

  test('T15: as many thresholds as items in the window, all finite, and the last one for ever', () => {
    const { thresholds, bootstraps, extrapolatedFrom, test, draw } = calibrated(
      { size: 100, window: 8, expectedRunTime: 20, frequencies: 16 },
      5,
    );
    expect(thresholds).toHaveLength(8);
    expect(thresholds.every(Number.isFinite)).toBe(true);
    expect([bootstraps, extrapolatedFrom]).toEqual([2000, null]);
    const drift = test(0);
    for (let t = 1; t <= 50; t++) expect(drift.push(draw()).threshold).toBe(thresholds[Math.min(t, 7)]);
  });

  test('the statistics of a draw are the double sums over its windows', () => {
    const { reference } = calibrated({ size: 40, window: 4, expectedRunTime: 4, frequencies: 8 }, 3);
    const gram = new ReferenceGram(reference, 40);
    while (!gram.done) gram.advance(1);
    const k = (i: number, j: number) => {
      let sum = 0;
      for (let c = 0; c < 16; c++) sum += (reference[i * 16 + c] ?? 0) * (reference[j * 16 + c] ?? 0);
      return sum;
    };
    for (let i = 0; i < 40; i++) for (let j = 0; j < 40; j++) expect(gram.values[i * 40 + j]).toBeCloseTo(k(i, j), 5);
    const statistics = new WindowStatistics(gram, 4, 11);
    const order = Uint32Array.from({ length: 40 }, (_, item) => item);
    const random = randomFrom(11);
    for (let draw = 0; draw < 20; draw++) {
      const found = new Float32Array(8);
      statistics.draw(found, 1, 2);
      for (let i = 0; i < 7; i++) {
        const other = i + random.below(40 - i);
        [order[i], order[other]] = [order[other] ?? 0, order[i] ?? 0];
      }
      const rest = [...order.slice(7)];
      for (let w = 0; w < 4; w++) {
        const window = [...order.slice(w, w + 4)];
        const sum = (a: number[], b: number[]) =>
          a.reduce((s, i) => s + b.reduce((r, j) => (i === j ? r : r + k(i, j)), 0), 0);
        const expected =
          sum(rest, rest) / (33 * 32) + sum(window, window) / (4 * 3) - (2 * sum(rest, window)) / (4 * 33);
        expect(found[1 + 2 * w]).toBeCloseTo(expected, 5);
      }
    }
  });

  test('thresholds are quantiles of the streams that no earlier one has stopped', () => {
    const random = randomFrom(2);
    const [window, bootstraps, expectedRunTime] = [3, 1000, 20];
    const values = Float32Array.from({ length: window * bootstraps }, () => random.gaussian());
    const { thresholds } = survivorThresholds(values, { window, bootstraps, expectedRunTime });
    let alive = Array.from({ length: bootstraps }, (_, stream) => stream);
    for (let w = 0; w < window; w++) {
      const threshold = thresholds[w] ?? 0;
      const left = alive.filter((stream) => (values[w * bootstraps + stream] ?? 0) <= threshold);
      expect(Math.abs(alive.length - left.length - alive.length / expectedRunTime)).toBeLessThanOrEqual(1);
      alive = left;
    }
  });

  test('a run time beyond the splits is reached along the tail: exact for an exponential one', () => {
    const random = randomFrom(3);
    const [window, bootstraps] = [20, 20_000];
    const values = Float32Array.from({ length: window * bootstraps }, () => -Math.log(1 - random.float()));
    const options = { window, bootstraps, expectedRunTime: 1e6 };
    const { thresholds, extrapolatedFrom } = survivorThresholds(values, options);
    expect(extrapolatedFrom).toBe(1000);
    // where each window is independent, the threshold is the quantile of the exponential distribution
    for (const threshold of thresholds) expect(Math.abs(threshold - Math.log(1e6))).toBeLessThan(0.8);
    expect(Math.abs(meanOf([...thresholds]) - Math.log(1e6))).toBeLessThan(0.3);
  });

  test('of a large window streams are left at the last window for each run time of the tail', () => {
    const random = randomFrom(6);
    // as many splits as a calibration makes for such a window
    const window = 300;
    const bootstraps = 30 * window;
    const values = Float32Array.from({ length: window * bootstraps }, () => -Math.log(1 - random.float()));
    const { thresholds, extrapolatedFrom } = survivorThresholds(values, { window, bootstraps, expectedRunTime: 1e4 });
    expect(extrapolatedFrom).toBe(450);
    // where none were left, a threshold would be 0
    const last = [...thresholds.slice(-50)];
    expect(Math.abs(meanOf(last) - Math.log(1e4))).toBeLessThan(0.3);
    for (const threshold of last) expect(Math.abs(threshold - Math.log(1e4))).toBeLessThan(1.5);
  });

  test('T14: with 30 splits for each item of the window, as large ones have, run lengths are near what was asked', () => {
    const settings = { size: 256, window: 16, expectedRunTime: 250, maxBootstraps: 30 * 16, frequencies: 32 };
    const runs: number[] = [];
    for (let reference = 0; reference < 40; reference++) {
      const { test, draw, extrapolatedFrom } = calibrated(settings, reference);
      expect(extrapolatedFrom).toBe(24);
      for (let split = 0; split < 5; split++) runs.push(runLength(test(split), draw));
    }
    // a standard error of 30, as the thresholds of few splits differ
    expect(meanOf(runs)).toBeGreaterThan(160);
    expect(meanOf(runs)).toBeLessThan(375);
  });

  test('a run time of a million takes bounded work, and rises above that of a thousand', () => {
    const settings = { size: 64, window: 4, maxBootstraps: 4000, frequencies: 8 };
    const far = calibrated({ ...settings, expectedRunTime: 1e6 }, 1);
    const near = calibrated({ ...settings, expectedRunTime: 1000 }, 1);
    expect([far.bootstraps, far.extrapolatedFrom, near.extrapolatedFrom]).toEqual([4000, 200, 200]);
    for (const [w, threshold] of far.thresholds.entries()) expect(threshold).toBeGreaterThan(near.thresholds[w] ?? 0);
    const drift = far.test(0);
    expect(Array.from({ length: 200 }, () => drift.push(far.draw()).alarm).some(Boolean)).toBe(false);
  });

  test('step by step it is the same as at once, and the same again', () => {
    const { reference } = calibrated({ size: 60, window: 4, expectedRunTime: 10, frequencies: 8 }, 4);
    const options = { features: reference, size: 60, window: 4, expectedRunTime: 10, seed: 9 };
    const calibration = new Calibration(options);
    expect(() => calibration.result()).toThrow('the calibration is not done yet');
    let steps = 0;
    while (!calibration.done) {
      calibration.step();
      steps++;
    }
    expect(steps).toBeGreaterThanOrEqual(3);
    expect(calibration.result()).toEqual(calibratedThresholds(options));
    expect(calibratedThresholds({ ...options, seed: 10 }).thresholds).not.toEqual(calibration.result().thresholds);
  });

  test('items that are all equal raise no alarm', () => {
    const features = new Float64Array(40 * 4).fill(0.5);
    const { thresholds } = calibratedThresholds({ features, size: 40, window: 4, expectedRunTime: 10, seed: 1 });
    expect([...thresholds].every((threshold) => threshold >= 1e-7)).toBe(true);
  });

  test('windows, run times, references and numbers that do not fit are refused', () => {
    const options = { features: new Float64Array(40), size: 20, window: 4, expectedRunTime: 10, seed: 1 };
    const refused = (change: object) => expect(() => new Calibration({ ...options, ...change }));
    refused({ window: 1 }).toThrow('window: expected an integer from 2, got 1');
    refused({ expectedRunTime: 3 }).toThrow('expectedRunTime: expected a number from the window, 4, got 3');
    refused({ window: 513, expectedRunTime: 1000 }).toThrow('window: expected at most 512, got 513');
    refused({ window: 6 }).toThrow('reference: expected at least 4 windows, 24 items, got 20');
    refused({ features: new Float64Array(41) }).toThrow(
      'features: expected as many numbers for each of 20 items, got 41',
    );
    refused({ features: new Float64Array(40).fill(Number.NaN) }).toThrow('features: expected finite numbers');
  });
});
