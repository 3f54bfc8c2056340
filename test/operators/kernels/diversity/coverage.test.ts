import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Coverage, coveredMass, topicCells } from '../../../../operators/kernels/diversity/coverage.js';
import { nearestCosine } from '../../../../operators/kernels/diversity/nearest.js';
import { stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

test('coverage counts what is inside after any adds and removes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 60 }), fc.nat(60), (species, leaving) => {
      const coverage = new Coverage();
      for (const each of species) coverage.add(each);
      for (const each of species.slice(0, leaving)) coverage.remove(each);
      const inside = species.slice(leaving);
      const once = inside.filter((each) => inside.indexOf(each) === inside.lastIndexOf(each)).length;
      expect([coverage.total, coverage.seen, coverage.singletons]).toEqual([inside.length, new Set(inside).size, once]);
      expect(coverage.unseenMass).toBe(inside.length === 0 ? 1 : once / inside.length);
    }),
  );
});

test("Good and Turing's estimate is about the mass that was not seen", () => {
  const random = randomFrom(3);
  const kinds = 400;
  const coverage = new Coverage();
  for (let n = 0; n < 500; n++) coverage.add(random.below(kinds));
  const unseen = 1 - coverage.seen / kinds;
  expect(Math.abs(coverage.unseenMass - unseen)).toBeLessThan(0.06);
});

test('covered mass is the share of the reference whose kind the other has', () => {
  const coverageOf = (species: readonly string[]) => {
    const coverage = new Coverage();
    for (const each of species) coverage.add(each);
    return coverage;
  };
  expect(coveredMass(coverageOf(['a', 'a', 'b', 'c']), coverageOf(['a', 'x']))).toBe(0.5);
  expect(coveredMass(coverageOf([]), coverageOf(['a']))).toBe(1);
  expect(() => coverageOf(['a']).remove('b')).toThrow("there is no 'b' to remove");
});

test('near vectors share a topic, opposite ones never do, and the seed decides', () => {
  const random = randomFrom(5);
  const cellOf = topicCells({ dimensions: 20, planes: 8, seed: 1 });
  let shared = 0;
  for (let n = 0; n < 200; n++) {
    const vector = Float32Array.from({ length: 20 }, () => random.gaussian());
    const near = vector.map((x) => x + 0.02 * random.gaussian());
    if (cellOf(near) === cellOf(vector)) shared++;
    expect(cellOf(vector.map((x) => -x))).toBe(255 - cellOf(vector));
    expect(topicCells({ dimensions: 20, planes: 8, seed: 1 })(vector)).toBe(cellOf(vector));
  }
  expect(shared).toBeGreaterThan(180);
  expect(() => topicCells({ dimensions: 2, planes: 31, seed: 0 })).toThrow('planes: expected an integer from 1 to 30');
});

test('the nearest of points is the greatest cosine', () => {
  const random = randomFrom(8);
  for (const dimensions of [1, 3, 4, 9]) {
    const rows = Array.from({ length: 30 }, () => Float32Array.from({ length: dimensions }, () => random.gaussian()));
    const [query = new Float32Array()] = rows;
    const dots = rows.map((row) => row.reduce((sum, x, i) => sum + x * (query[i] ?? 0), 0));
    expect(nearestCosine(stack(rows), query, 0)).toBeCloseTo(Math.max(-1, ...dots.slice(1)), 6);
    expect(nearestCosine(stack(rows), query)).toBeCloseTo(Math.max(...dots), 6);
  }
  expect(nearestCosine({ data: new Float32Array(), size: 0, dimensions: 2 }, new Float32Array(2))).toBe(-1);
  expect(() => nearestCosine(stack([[1, 2]]), new Float32Array(3))).toThrow('vector: expected 2 numbers, got 3');
});
