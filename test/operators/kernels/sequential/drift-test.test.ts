import { describe, expect, test } from 'vitest';
import { FeatureSum, unbiasedMmd2OfSums } from '../../../../operators/kernels/mmd/feature-sum.js';
import { DriftTest, splitReference } from '../../../../operators/kernels/sequential/drift-test.js';
import { calibrated, meanOf, runLength } from '../drift.js';

const settings = { size: 200, window: 8, expectedRunTime: 200, maxBootstraps: 4000, frequencies: 32 };

describe('DriftTest', () => {
  const { thresholds, reference, draw, test: begin } = calibrated(settings, 1);

  test('each statistic is the unbiased MMD of the newest items and the rest of the reference', () => {
    const parts = splitReference({ features: reference, size: 200, thresholds, seed: 3 });
    const drift = new DriftTest({ ...parts, thresholds });
    const newest = Array.from({ length: 8 }, (_, age) => parts.window.slice(age * 64, (age + 1) * 64));
    const rest = new FeatureSum(32);
    for (let row = 0; row < 200; row++)
      if (!parts.rows.includes(row) && !parts.unused.includes(row))
        rest.add(reference.subarray(row * 64, (row + 1) * 64));
    for (let t = 1; t <= 40; t++) {
      const item = draw(t > 20 ? 1 : 0);
      newest.shift();
      newest.push(item);
      const window = new FeatureSum(32);
      for (const each of newest) window.add(each);
      const { statistic, threshold, alarm } = drift.push(item);
      expect(Math.abs(statistic - unbiasedMmd2OfSums(rest, window))).toBeLessThan(1e-12);
      expect(alarm).toBe(statistic > threshold);
    }
  });

  test('the first window raises no alarm, whatever the split', () => {
    for (let seed = 0; seed < 200; seed++) {
      const parts = splitReference({ features: reference, size: 200, thresholds, seed });
      const window = new FeatureSum(32);
      for (let age = 0; age < 8; age++) window.add(parts.window.subarray(age * 64, (age + 1) * 64));
      expect(unbiasedMmd2OfSums(parts.reference, window)).toBeLessThanOrEqual(thresholds[0] ?? 0);
      expect(new Set([...parts.rows, ...parts.unused]).size).toBe(15);
      // as many as the splits of the calibration leave
      expect(parts.reference.size).toBe(200 - 15);
    }
  });

  test('T36: a drift is found within a window or two, far sooner than a false alarm', () => {
    const delays = Array.from({ length: 60 }, (_, split) => runLength(begin(split), () => draw(1.5)));
    expect(Math.max(...delays)).toBeLessThanOrEqual(16);
    expect(meanOf(delays)).toBeLessThan(8);
  });

  test('T36: ten expected run times without drift bring about ten alarms', () => {
    // 20 references, so that the thresholds of one do not decide; Poisson: 200 +- 14, and as much again for the references
    let alarms = 0;
    for (let seed = 100; seed < 120; seed++) {
      const stream = calibrated({ ...settings, expectedRunTime: 50 }, seed);
      let drift = stream.test(0);
      for (let t = 0; t < 500; t++) {
        if (!drift.push(stream.draw()).alarm) continue;
        alarms++;
        drift = stream.test(t);
      }
    }
    expect(alarms).toBeGreaterThan(130);
    expect(alarms).toBeLessThan(290);
  });

  test('T15, T35: after 1,000,000 items it holds what it held before, and its sum has not drifted', () => {
    const small = calibrated({ size: 40, window: 4, expectedRunTime: 20, frequencies: 4 }, 2);
    const drift = small.test(0);
    const items = Array.from({ length: 97 }, () => small.draw());
    const itemAt = (n: number) => items[n % 97] ?? new Float64Array(8);
    for (let n = 0; n < 1000; n++) drift.push(itemAt(n));
    const before = process.memoryUsage().arrayBuffers;
    for (let n = 1000; n < 1_000_000; n++) drift.push(itemAt(n));
    const { statistic } = drift.push(itemAt(1_000_000));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    const parts = splitReference({ features: small.reference, size: 40, thresholds: small.thresholds, seed: 0 });
    const window = new FeatureSum(4);
    for (let n = 999_997; n <= 1_000_000; n++) window.add(itemAt(n));
    expect(statistic).toBe(unbiasedMmd2OfSums(window, parts.reference));
  });

  test('goes on after a restart from the newest items', () => {
    const parts = splitReference({ features: reference, size: 200, thresholds, seed: 5 });
    const items = Array.from({ length: 30 }, () => draw());
    const whole = new DriftTest({ ...parts, thresholds });
    const all = items.map((item) => whole.push(item));
    for (const cut of [3, 8, 20]) {
      const window = new Float64Array(parts.window.length);
      const before = [
        ...Array.from({ length: 8 }, (_, age) => parts.window.slice(age * 64, (age + 1) * 64)),
        ...items.slice(0, cut),
      ];
      for (const [age, item] of before.slice(-8).entries()) window.set(item, age * 64);
      const resumed = new DriftTest({ reference: parts.reference, window, thresholds, tested: cut });
      expect(items.slice(cut).map((item) => resumed.push(item))).toEqual(all.slice(cut));
    }
  });

  test('an item that is not finite is refused and leaves no trace', () => {
    const [touched, clean] = [begin(1), begin(1)];
    const items = Array.from({ length: 10 }, () => draw());
    for (const item of items) {
      expect(() => touched.push(item.map(() => Number.NaN))).toThrow('features: expected 64 finite numbers');
      expect(() => touched.push(new Float64Array(3))).toThrow('features: expected 64 finite numbers');
      expect(touched.push(item)).toEqual(clean.push(item));
    }
    const parts = splitReference({ features: reference, size: 200, thresholds, seed: 3 });
    expect(() => new DriftTest({ ...parts, thresholds: thresholds.slice(1) })).toThrow(
      'window: expected 7 x 64 numbers, got 512',
    );
  });
});
