import { describe, expect, test } from 'vitest';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { BettingTest } from '../../../../operators/kernels/sequential/betting.js';

const frequencies = 16;
const features = randomFeatures({ dimensions: 3, frequencies, bandwidth: 1.5, seed: 2 });

/** The features of standard normal vectors, moved along the first axis. */
function source(seed: number): (shift?: number) => Float64Array {
  const random = randomFrom(seed);
  return (shift = 0) => {
    const vector = Float32Array.from({ length: 3 }, (_, i) => random.gaussian() + (i === 0 ? shift : 0));
    const phi = new Float64Array(2 * frequencies);
    features.map(vector, phi);
    return phi;
  };
}

function fresh(alpha = 0.05): BettingTest {
  return new BettingTest({ length: 2 * frequencies, alpha });
}

describe('BettingTest', () => {
  test('T17: the wealth starts at 1, and is that of the bets: never negative, whatever comes', () => {
    const test = fresh();
    expect(test.state).toMatchObject({ pairs: 0, logWealth: 0, peakLogWealth: 0 });
    expect(test.rejected).toBe(false);
    const draw = source(1);
    let wealth = 1;
    for (let n = 0; n < 300; n++) {
      // the streams take turns at being the moved one, which no bet can foresee
      const before = test.state;
      test.push(draw(n % 2 === 0 ? 3 : 0), draw(n % 2 === 0 ? 0 : 3));
      const factor = Math.exp(test.state.logWealth - before.logWealth);
      expect(factor).toBeGreaterThanOrEqual(0.5);
      expect(factor).toBeLessThanOrEqual(1.5);
      wealth *= factor;
      expect(test.state.bet).toBeGreaterThanOrEqual(0);
      expect(test.state.bet).toBeLessThanOrEqual(0.5);
    }
    expect(wealth).toBeGreaterThan(0);
    expect(test.state.pairs).toBe(300);
  });

  test('T17: of equal streams at most one in twenty ever reaches 20, within the error', () => {
    const [streams, pairs] = [600, 300];
    let rejected = 0;
    let finalWealth = 0;
    for (let stream = 0; stream < streams; stream++) {
      const test = fresh();
      const draw = source(1000 + stream);
      for (let n = 0; n < pairs; n++) test.push(draw(), draw());
      if (test.rejected) rejected++;
      finalWealth += Math.exp(test.state.logWealth) / streams;
    }
    expect(rejected / streams).toBeLessThanOrEqual(0.05 + 2 * Math.sqrt((0.05 * 0.95) / streams));
    // a martingale from 1; its wealth is skewed, so that the mean over streams is loosely known
    expect(finalWealth).toBeLessThan(1.5);
  });

  test('T17: the wealth grows under a shift, and the more the larger it is', () => {
    const stateAfter = (shift: number) => {
      const test = fresh();
      const draw = source(7);
      for (let n = 0; n < 600; n++) test.push(draw(), draw(shift));
      return { ...test.state, rejected: test.rejected };
    };
    const [small, large] = [stateAfter(0.5), stateAfter(1.5)];
    expect(small.rejected).toBe(true);
    expect(large.logWealth).toBeGreaterThan(small.logWealth);
    expect(large.logWealth).toBeGreaterThan(20);
  });

  test('a rejection stays', () => {
    const test = fresh();
    const draw = source(3);
    while (!test.rejected) test.push(draw(), draw(2));
    for (let n = 0; n < 20; n++) test.push(draw(2), draw());
    expect(test.state.logWealth).toBeLessThan(Math.log(20));
    expect(test.rejected).toBe(true);
  });

  test('goes on from its state to the same bit', () => {
    const [whole, draw] = [fresh(), source(5)];
    const pairs = Array.from({ length: 100 }, () => [draw(), draw(0.7)] as const);
    for (const pair of pairs.slice(0, 40)) whole.push(...pair);
    const state = JSON.parse(JSON.stringify(whole.state));
    const resumed = new BettingTest({ length: 2 * frequencies, alpha: 0.05 }, state, whole.witness.slice());
    for (const pair of pairs.slice(40)) {
      whole.push(...pair);
      resumed.push(...pair);
    }
    expect(resumed.state).toEqual(whole.state);
    expect(resumed.witness).toEqual(whole.witness);
  });

  test('items that are all equal, and numbers that are not finite', () => {
    const test = fresh();
    const item = source(9)();
    for (let n = 0; n < 50; n++) test.push(item, item);
    expect(test.state.logWealth).toBe(0);
    const { state } = test;
    expect(() =>
      test.push(
        item,
        item.map(() => Number.NaN),
      ),
    ).toThrow('features: expected finite numbers');
    expect(() => test.push(item, new Float64Array(3))).toThrow('features: expected finite numbers');
    expect(test.state).toBe(state);
    expect(() => fresh(0)).toThrow('alpha: expected a number between 0 and 1, got 0');
  });
});
