import { describe, expect, test } from 'vitest';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { Newma } from '../../../../operators/kernels/sequential/newma.js';
import { newmaFactors } from '../../../../operators/kernels/sequential/newma-factors.js';

const frequencies = 32;
const length = 2 * frequencies;

/** Features of normal items in the plane, moved by `shift`. */
function normal(seed: number) {
  const random = randomFrom(seed);
  const features = randomFeatures({ dimensions: 2, frequencies, bandwidth: 1, seed });
  return (shift = 0) => {
    const phi = new Float64Array(length);
    features.map(Float32Array.of(random.gaussian() + shift, random.gaussian()), phi);
    return phi;
  };
}

describe('Newma', () => {
  test('statistic and threshold are those of the averages written out', () => {
    const [window, deviations, thresholdFactor] = [3, 2, 0.05];
    const factors = newmaFactors(window);
    const newma = new Newma({ length, window, deviations, thresholdFactor });
    const draw = normal(1);
    const items: Float64Array[] = [];
    const squares: number[] = [];
    // an average: the sum of the values, each with its own weight
    const average = (values: readonly number[], factor: number) =>
      values.reduce((sum, value, n) => {
        let weight = Math.max(factor, 1 / (n + 1));
        for (let later = n + 2; later <= values.length; later++) weight *= 1 - Math.max(factor, 1 / later);
        return sum + weight * value;
      }, 0);
    const settling = Math.ceil(2 / factors.slow);
    expect(newma.learning).toBe(2 * settling + window);
    let alarms = 0;
    for (let n = 1; n <= 120; n++) {
      const item = draw(n > 80 ? 2 : 0);
      items.push(item);
      const { statistic, threshold, alarm } = newma.push(item);
      const square = Array.from(item, (_, i) => {
        const values = items.map((each) => each[i] ?? Number.NaN);
        return (average(values, factors.quick) - average(values, factors.slow)) ** 2;
      }).reduce((sum, value) => sum + value, 0);
      squares.push(square);
      expect(statistic).toBeCloseTo(Math.sqrt(square), 12);
      if (n <= newma.learning) {
        expect([threshold, alarm]).toEqual([null, false]);
        continue;
      }
      // the threshold is of the items that are a window back
      const learned = squares.slice(settling, -window);
      const mean = average(learned, thresholdFactor);
      const squared = learned.map((value) => value ** 2);
      const variance = average(squared, thresholdFactor) - mean ** 2;
      expect(threshold).toBeCloseTo(Math.sqrt(mean + deviations * Math.sqrt(variance)), 12);
      expect(alarm).toBe(statistic > (threshold ?? Number.NaN));
      if (alarm) alarms++;
    }
    expect(alarms).toBeGreaterThan(0);
  });

  test('the first items are no change, whatever they are', () => {
    const newma = new Newma({ length, window: 16 });
    const draw = normal(2);
    expect(newma.push(draw()).statistic).toBe(0);
    // with averages that began at zero it would be half of the norm of the mean, about 0.3
    const early = Array.from({ length: 20 }, () => newma.push(draw()).statistic);
    expect(Math.max(...early)).toBeLessThan(0.15);
  });

  test('T36: a jump is found within a window, far sooner than a false alarm', () => {
    const window = 32;
    const delays: number[] = [];
    let falseAlarms = 0;
    for (let seed = 0; seed < 20; seed++) {
      const draw = normal(seed);
      const newma = new Newma({ length, window });
      for (let n = 0; n < newma.learning + 200; n++) if (newma.push(draw()).alarm) falseAlarms++;
      const changed = Array.from({ length: window }, () => newma.push(draw(2)).alarm);
      delays.push(1 + changed.indexOf(true));
    }
    // of 4,000 items that were tested; those of one excursion count each
    expect(falseAlarms).toBeLessThan(40);
    expect(Math.min(...delays)).toBeGreaterThan(0);
    expect(delays.reduce((sum, delay) => sum + delay, 0) / delays.length).toBeLessThan(window / 2);
  });

  test('a state that is stored goes on to the last bit, amid learning and behind it', () => {
    const options = { length, window: 8, deviations: 2 };
    const draw = normal(4);
    const items = Array.from({ length: 160 }, () => draw());
    const whole = new Newma(options);
    const states = items.map((item) => ({ before: whole.state, verdict: whole.push(item) }));
    expect(whole.learning).toBe(98);
    for (const cut of [0, 1, 45, 52, 60, 97, 98, 99, 140]) {
      const resumed = new Newma(options, states[cut]?.before);
      expect(items.slice(cut).map((item) => resumed.push(item))).toEqual(
        states.slice(cut).map(({ verdict }) => verdict),
      );
    }
  });

  test('items that are all alike raise no alarm', () => {
    const newma = new Newma({ length: 3, window: 4, deviations: 1 });
    const item = Float64Array.of(0.1, 0.7, 0.3);
    for (let n = 0; n < 500; n++) expect(newma.push(item).alarm).toBe(false);
  });

  test('wrong options and states are refused', () => {
    const refused = (options: object, message: string) =>
      expect(() => new Newma({ length: 2, window: 10, ...options })).toThrow(message);
    refused({ window: 1 }, 'window: expected an integer from 2, got 1');
    refused({ length: 0 }, 'length: expected an integer from 1, got 0');
    refused({ deviations: 0 }, 'deviations: expected a number above 0, got 0');
    refused({ thresholdFactor: 1 }, 'thresholdFactor: expected a number between 0 and 1, got 1');
    const { state } = new Newma({ length: 3, window: 10 });
    expect(() => new Newma({ length: 2, window: 10 }, state)).toThrow('quick: expected 2 numbers, got 3');
  });

  test('an item that is not finite is refused and leaves no trace', () => {
    const [touched, clean] = [0, 0].map(() => new Newma({ length, window: 4 }));
    const draw = normal(5);
    for (let n = 0; n < 100; n++) {
      const item = draw();
      expect(() => touched?.push(item.map(() => Number.NaN))).toThrow('features: expected 64 finite numbers');
      expect(() => touched?.push(new Float64Array(3))).toThrow('features: expected 64 finite numbers');
      expect(touched?.push(item)).toEqual(clean?.push(item));
    }
  });
});
