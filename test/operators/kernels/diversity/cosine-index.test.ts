import { describe, expect, test } from 'vitest';

import { CosineIndex } from '../../../../operators/kernels/diversity/cosine-index.js';
import { type Random, randomFrom } from '../../../../operators/kernels/random.js';

const dimensions = 64;

function vector(random: Random): Float32Array {
  return unit(Float32Array.from({ length: dimensions }, () => random.gaussian()));
}

/** A unit vector at a cosine to another. */
function at(cosine: number, to: Float32Array, random: Random): Float32Array {
  const other = vector(random);
  const along = dot(other, to);
  const across = unit(other.map((value, i) => value - along * (to[i] ?? 0)));
  const sine = Math.sqrt(1 - cosine * cosine);
  return to.map((value, i) => cosine * value + sine * (across[i] ?? 0));
}

function unit(values: Float32Array): Float32Array {
  const length = Math.sqrt(dot(values, values));
  return values.map((value) => value / length);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

describe('CosineIndex', () => {
  test.each([0.95, 0.85])('finds what is at %f or closer, as a search through all would', (threshold) => {
    const random = randomFrom(3);
    const index = new CosineIndex({ threshold, capacity: 2000, dimensions, seed: 1 });
    const kept = Array.from({ length: 1000 }, () => vector(random));
    for (const each of kept) index.add(index.sketchOf(each));
    let [above, found] = [0, 0];
    for (let question = 0; question < 1000; question++) {
      const to = kept[random.below(kept.length)] ?? vector(random);
      const asked = at(threshold - 0.05 + random.float() * 0.1, to, random);
      const cosines = kept.map((each) => dot(each, asked));
      const closest = Math.max(...cosines);
      const answer = index.find(index.sketchOf(asked));
      if (answer !== undefined) {
        expect(Math.abs(answer.cosine - (cosines[answer.number] ?? 0))).toBeLessThan(0.005);
        expect(closest).toBeGreaterThan(threshold - 0.005);
      }
      if (closest < threshold + 0.005) continue;
      above += 1;
      if (answer !== undefined) found += 1;
    }
    expect(above).toBeGreaterThan(300);
    expect(found / above).toBeGreaterThan(0.97);
  });

  test('keeps the newest, by the numbers in which they came, over growth and over the ring', () => {
    const random = randomFrom(4);
    const index = new CosineIndex({ threshold: 0.95, capacity: 3000, dimensions, seed: 1 });
    const sketches = Array.from({ length: 4000 }, () => index.sketchOf(vector(random)));
    for (const [number, sketch] of sketches.entries()) expect(index.add(sketch)).toBe(number);
    expect(index.size).toBe(3000);
    const absent = index.sketchOf(new Float32Array(dimensions));
    for (const number of [0, 999]) expect(index.find(sketches[number] ?? absent)).toBeUndefined();
    for (const number of [1000, 1023, 2500, 3999]) expect(index.find(sketches[number] ?? absent)?.number).toBe(number);
  });

  test('however many questions came before, one finds what it should', () => {
    const random = randomFrom(7);
    const index = new CosineIndex({ threshold: 0.95, capacity: 10, dimensions, seed: 1 });
    const [often, rarely] = [index.sketchOf(vector(random)), index.sketchOf(vector(random))];
    for (const sketch of [often, rarely]) index.add(sketch);
    const answers = new Map<number | undefined, number>();
    // the rare one comes again where marks of 16 bits begin anew, and would be those of the last time
    for (let question = 0; question < 2 ** 17; question++) {
      const number = index.find(question % (2 ** 16 - 1) === 4 ? rarely : often)?.number;
      answers.set(number, (answers.get(number) ?? 0) + 1);
    }
    expect(answers).toEqual(
      new Map([
        [0, 2 ** 17 - 2],
        [1, 2],
      ]),
    );
  });

  test('stored values, with their sides or without, are the same sketch', () => {
    const index = new CosineIndex({ threshold: 0.95, capacity: 10, dimensions, seed: 1 });
    const sketch = index.sketchOf(vector(randomFrom(5)));
    expect(index.restored(sketch.values, sketch.sides)).toEqual(sketch);
    expect(index.restored(sketch.values)).toEqual(sketch);
    expect(index.restored(sketch.values, new Uint16Array(3))).toEqual(sketch);
  });

  test('a vector of zeros is close to none, not even to another', () => {
    const index = new CosineIndex({ threshold: 0.95, capacity: 10, dimensions, seed: 1 });
    const zeros = index.sketchOf(new Float32Array(dimensions));
    expect(index.add(zeros)).toBe(0);
    expect(index.find(zeros)).toBeUndefined();
    const any = index.sketchOf(vector(randomFrom(6)));
    expect(index.find(any)).toBeUndefined();
    expect(index.add(any)).toBe(1);
    expect(index.find(any)).toEqual({ number: 1, cosine: expect.closeTo(1, 9) });
  });

  test('options that cannot be are refused by name', () => {
    const options = { threshold: 0.95, capacity: 10, dimensions, seed: 1 };
    expect(() => new CosineIndex({ ...options, threshold: 0.5 })).toThrow(
      'threshold: expected a number in [0.7, 1], got 0.5',
    );
    expect(() => new CosineIndex({ ...options, capacity: 0 })).toThrow(
      'capacity: expected an integer of at least 1, got 0',
    );
  });
});
