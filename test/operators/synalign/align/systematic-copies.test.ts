import fc from 'fast-check';
import { expect, test } from 'vitest';

import { randomFrom } from '../../../../operators/kernels/random.js';
import { systematicResample } from '../../../../operators/kernels/weights/resample.js';
import { SystematicCopies } from '../../../../operators/synalign/align/systematic-copies.js';

function copiesOf(weights: Iterable<number>, seed: number, memory: ReadonlyMap<string, unknown> = new Map()) {
  const copies = new SystematicCopies({ key: 'texts/copies', seed, memory });
  return Array.from(weights, (weight) => copies.of(weight));
}

/** Whole numbers that are passed, from the sums themselves. */
function reference(weights: readonly number[], offset: number): readonly number[] {
  let sum = offset;
  return weights.map((weight) => {
    const before = Math.floor(sum);
    sum += weight;
    return Math.floor(sum) - before;
  });
}

const weight = fc.oneof(
  fc.double({ min: 0, max: 12, noNaN: true }),
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom(0.1, 1e-9, 0.9999999),
);

test('copies so far never differ by 1 or more from the weights, and each is its weight rounded down or up', () => {
  fc.assert(
    fc.property(fc.array(weight, { maxLength: 300 }), fc.nat(), (weights, seed) => {
      let behind = 0;
      for (const [i, { copies }] of copiesOf(weights, seed).entries()) {
        const own = weights[i] ?? Number.NaN;
        expect([Math.floor(own), Math.ceil(own)]).toContain(copies);
        behind += own - copies;
        expect(Math.abs(behind)).toBeLessThan(1 + 1e-9);
      }
    }),
    { seed: 1, numRuns: 100 },
  );
});

test('are those of the sums of weights from a random offset, of which each number is as likely', () => {
  const random = randomFrom(2);
  const weights = Array.from({ length: 50 }, () => 2 * random.float());
  const totals = new Float64Array(50);
  const seeds = 4000;
  for (let seed = 0; seed < seeds; seed++) {
    const copies = copiesOf(weights, seed).map((one) => one.copies);
    const passed = copiesOf([0], seed)[0]?.changes[0]?.[1];
    expect(copies).toEqual(reference(weights, Number(passed)));
    for (const [i, count] of copies.entries()) totals[i] = (totals[i] ?? 0) + count;
  }
  // unbiased: five standard errors of a number that is rounded down or up
  for (const [i, total] of totals.entries()) {
    const part = (weights[i] ?? 0) % 1;
    expect(Math.abs(total / seeds - (weights[i] ?? 0))).toBeLessThan(5 * Math.sqrt((part * (1 - part)) / seeds) + 1e-9);
  }
});

test('is as even as the resampling of a whole set, and more even than rounding one by one', () => {
  const random = randomFrom(3);
  const weights = Float64Array.from({ length: 10_000 }, () => 2 * random.float());
  const sum = weights.reduce((all, value) => all + value, 0);
  const count = Math.floor(sum);
  const total = copiesOf(weights, 7).reduce((all, { copies }) => all + copies, 0);
  expect(Math.abs(total - sum)).toBeLessThan(1);
  // a set whose sum is a whole number is resampled to just that many
  const scaled = weights.map((value) => (value * count) / sum);
  const drawn = systematicResample(scaled, count, 7).reduce((all, value) => all + value, 0);
  expect(Math.abs(copiesOf(scaled, 7).reduce((all, { copies }) => all + copies, 0) - drawn)).toBeLessThan(1.001);
});

test('T34: the memory restores the sum to the last bit', () => {
  const random = randomFrom(4);
  const weights = Array.from({ length: 200 }, () => 3 * random.float());
  const whole = copiesOf(weights, 5);
  for (let cut = 1; cut <= weights.length; cut++) {
    const memory = new Map(whole[cut - 1]?.changes ?? []);
    expect(memory.size).toBe(1);
    // another seed, as the offset is drawn once only
    expect(copiesOf(weights.slice(cut), 6, memory)).toEqual(whole.slice(cut));
  }
});

test('a memory that is no part of 1 is damaged', () => {
  for (const stored of [1, -0.1, Number.NaN, 'half']) {
    expect(() => copiesOf([], 1, new Map([['texts/copies', stored]]))).toThrow(
      expect.objectContaining({ code: 'record-invalid', message: "the memory of copies is damaged at 'texts/copies'" }),
    );
  }
});
