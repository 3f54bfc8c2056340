import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { randomFrom } from '../../../../operators/kernels/random.js';
import { fixedHalfWidth, SequentialRate } from '../../../../operators/kernels/sequential/sequential-rate.js';

const options = { null: 0.75, alpha: 0.05 };

/** The decision and where it fell after up to `most` answers of a stream with this rate. */
function decided(rate: number, seed: number, most: number) {
  const random = randomFrom(seed);
  const test = new SequentialRate(options);
  let missed = false;
  for (let n = 1; n <= most; n++) {
    test.observe(random.float() < rate);
    const { low, high } = n % 20 === 0 ? test.interval() : { low: 0, high: 1 };
    if (rate < low || rate > high) missed = true;
    if (test.decision !== 'undecided') return { decision: test.decision, after: n, missed };
  }
  return { decision: 'undecided' as const, after: most, missed };
}

describe('SequentialRate', () => {
  test('decides wrongly in at most alpha of the streams under the null, however often one looks', () => {
    const streams = 400;
    const runs = Array.from({ length: streams }, (_, n) => decided(0.75, n, 1500));
    // three standard deviations above what alpha allows
    const allowed = streams * 0.05 + 3 * Math.sqrt(streams * 0.05 * 0.95);
    expect(runs.filter(({ decision }) => decision !== 'undecided').length).toBeLessThanOrEqual(allowed);
    expect(runs.filter(({ missed }) => missed).length).toBeLessThanOrEqual(allowed);
  });

  test('finds a shift on either side', () => {
    const below = Array.from({ length: 100 }, (_, n) => decided(0.6, 1000 + n, 1500));
    const above = Array.from({ length: 100 }, (_, n) => decided(0.88, 2000 + n, 1500));
    expect(below.filter(({ decision }) => decision === 'below').length).toBeGreaterThanOrEqual(98);
    expect(above.filter(({ decision }) => decision === 'above').length).toBeGreaterThanOrEqual(98);
    const median = (runs: readonly { readonly after: number }[]) =>
      runs.map(({ after }) => after).toSorted((a, b) => a - b)[50];
    expect(median(below)).toBeLessThan(200);
    expect(median(above)).toBeLessThan(300);
    expect(decided(0, 1, 100)).toMatchObject({ decision: 'below' });
  });

  test('its capitals are the products of the bets with their stakes', () => {
    const random = randomFrom(4);
    const test = new SequentialRate(options);
    let [below, above, successes] = [1, 1, 0];
    for (let n = 0; n < 60; n++) {
      const forecast = (successes + 0.75 * 4) / (n + 4);
      const x = random.float() < 0.7 ? 1 : 0;
      const stake = (q: number) => (0.75 - q) / (0.75 * 0.25);
      below *= 1 + stake(Math.min(forecast, 0.75)) * (0.75 - x);
      above *= 1 + stake(Math.max(forecast, 0.75)) * (0.75 - x);
      successes += x;
      test.observe(x === 1);
      expect(Math.exp(test.state.logBelow)).toBeCloseTo(below, 8);
      expect(Math.exp(test.state.logAbove)).toBeCloseTo(above, 8);
    }
  });

  test('the interval is where the capital of the unbiased bettor stays below 1 / alpha', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 80 }), (answers) => {
        const test = new SequentialRate(options);
        let evidence = 0;
        for (const [n, answer] of answers.entries()) {
          const q = (answers.slice(0, n).filter(Boolean).length + 0.5) / (n + 1);
          evidence += Math.log(answer ? q : 1 - q);
          test.observe(answer);
        }
        const { low, high } = test.interval();
        for (let m = 0.005; m < 1; m += 0.01) {
          const likelihood = answers.reduce((sum, answer) => sum + Math.log(answer ? m : 1 - m), 0);
          const inside = evidence - likelihood < Math.log(20);
          if (Math.abs(m - low) > 1e-9 && Math.abs(m - high) > 1e-9) expect(m > low && m < high).toBe(inside);
        }
      }),
    );
  });

  test('a decision stays, whatever comes after', () => {
    const test = new SequentialRate(options);
    for (let n = 0; n < 40; n++) test.observe(false);
    expect(test.decision).toBe('below');
    for (let n = 0; n < 2000; n++) test.observe(true);
    expect(test.decision).toBe('below');
  });

  test('goes on from its state as JSON', () => {
    const random = randomFrom(6);
    const whole = new SequentialRate(options);
    let parts = new SequentialRate(options);
    for (let n = 0; n < 100; n++) {
      const answer = random.float() < 0.75;
      whole.observe(answer);
      parts = new SequentialRate(options, JSON.parse(JSON.stringify(parts.state)));
      parts.observe(answer);
    }
    expect(parts.state).toEqual(whole.state);
  });

  test('before any answer nothing is known', () => {
    const test = new SequentialRate(options);
    expect([test.rate, test.decision, test.interval()]).toEqual([0, 'undecided', { low: 0, high: 1 }]);
    expect(() => new SequentialRate({ null: 0.75, alpha: 0 })).toThrow('alpha: expected a number between 0 and 1');
  });

  test('T19: the half-width for n = 1,000 at 0.75 is 0.0268 for one look, and wider for any number of looks', () => {
    expect(fixedHalfWidth(0.75, 1000)).toBeCloseTo(0.0268, 4);
    const test = new SequentialRate(options);
    for (let n = 0; n < 1000; n++) test.observe(n % 4 !== 0);
    const { low, high } = test.interval();
    expect((high - low) / 2).toBeGreaterThan(0.0268);
    expect((high - low) / 2).toBeLessThan(2 * 0.0268);
  });
});
