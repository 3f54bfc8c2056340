import { expect, test } from 'vitest';

import {
  type AttributePull,
  attributeDemand,
  withCorrection,
} from '../../../../operators/synalign/explore/attribute-demand.js';

const steer = { strength: 1, bound: 4 };
const step = { share: 0.5, kept: 0.9, limit: 0.3 };
const said = (witness: number, count = 240, value = 'urgent') => [{ name: 'tone', value, count, witness }];

test('a value of which too little is written is wanted, one of which too much is written is not', () => {
  const pulls = withCorrection([], { attributes: [...said(0.1), ...said(-0.1, 240, 'calm')] }, step);
  const demandOf = (value: string) => attributeDemand(pulls, steer).find((one) => one.value === value)?.demand;
  // of 240 samples, 240 / 256 of the witness counts
  const expected = Math.exp(Math.E * 0.1 * (240 / 256));
  expect(demandOf('urgent')).toBeCloseTo(expected, 12);
  expect(demandOf('calm')).toBeCloseTo(1 / expected, 12);
});

test('few samples say little, and no demand is beyond the bound', () => {
  const [few] = attributeDemand(withCorrection([], { attributes: said(-0.1, 4) }, step), steer);
  expect(few?.demand).toBeCloseTo(Math.exp(-Math.E * 0.1 * (4 / 20)), 12);
  const [most] = attributeDemand(withCorrection([], { attributes: said(-5) }, step), steer);
  expect(most?.demand).toBe(0.25);
});

test('what stays too much pulls harder, within a limit, and is forgotten when nobody says it any more', () => {
  let pulls: readonly AttributePull[] = [];
  const integrals: number[] = [];
  for (let n = 0; n < 40; n++) {
    pulls = withCorrection(pulls, { attributes: said(-0.1) }, step);
    integrals.push(pulls[0]?.integral ?? Number.NaN);
  }
  expect(integrals[0]).toBe(0);
  expect(integrals[1]).toBeCloseTo(-0.5 * 0.1 * (240 / 256), 12);
  expect(Math.min(...integrals)).toBe(-0.3);
  for (let n = 0; n < 40; n++) pulls = withCorrection(pulls, {}, step);
  expect(attributeDemand(pulls, steer)[0]?.demand).toBeCloseTo(1, 1);
});

test('64 values are remembered and 16 told, those that pull most', () => {
  const attributes = Array.from({ length: 100 }, (_, n) => said(n / 1000, 240, `value ${n}`)).flat();
  const pulls = withCorrection([], { attributes }, step);
  expect(pulls).toHaveLength(64);
  expect(pulls[0]?.value).toBe('value 99');
  const told = attributeDemand(pulls, steer);
  expect(told.map(({ value }) => value)).toEqual(Array.from({ length: 16 }, (_, n) => `value ${99 - n}`));
});
