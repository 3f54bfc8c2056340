import { describe, expect, it } from 'vitest';

import { randomFrom } from '../../../operators/kernels/random.js';
import { type Estimate, setDiversity } from '../../../operators/quality/set-diversity.js';

const dimensions = 16;

function vectors(count: number, seed: number, spread = 1): Float32Array[] {
  const random = randomFrom(seed);
  const centre = Array.from({ length: dimensions }, () => random.gaussian());
  return Array.from({ length: count }, () => unit(centre.map((x) => x + spread * random.gaussian())));
}

function unit(values: readonly number[]): Float32Array {
  const norm = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / norm);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function texts(count: number, seed: number): string[] {
  const random = randomFrom(seed);
  const words = ['river', 'stone', 'bridge', 'water', 'boat', 'rain'];
  return Array.from({ length: count }, () => Array.from({ length: 12 }, () => words[random.below(6)]).join(' '));
}

function contains({ value, interval }: Estimate): boolean {
  return interval !== null && interval.low <= value + 1e-9 && value <= interval.high + 1e-9;
}

describe('setDiversity', () => {
  it('agrees with the plain formulas', () => {
    const [embeddings, own] = [vectors(30, 1), texts(30, 2)];
    const { meanCosine, nearestNeighbour, distinct2 } = setDiversity(own, embeddings, { seed: 7, rounds: 120 });
    const others = (i: number) => embeddings.filter((_, j) => j !== i);
    const cosines = embeddings.map((a, i) => others(i).map((b) => dot(a, b)));
    expect(meanCosine?.value).toBeCloseTo(mean(cosines.map(mean)), 6);
    expect(nearestNeighbour?.value).toBeCloseTo(mean(cosines.map((row) => Math.max(...row))), 6);
    const pairs = own.flatMap((text) =>
      text
        .split(' ')
        .slice(1)
        .map((word, i) => `${text.split(' ')[i]} ${word}`),
    );
    expect(distinct2?.value).toBeCloseTo(new Set(pairs).size / pairs.length, 12);
  });

  it('has a Vendi score of n for orthogonal vectors, and of 1 for equal ones', () => {
    const axes = Array.from({ length: 8 }, (_, i) =>
      unit(Array.from({ length: dimensions }, (_, j) => (i === j ? 1 : 0))),
    );
    expect(setDiversity([], axes, { seed: 1 }).vendi?.value).toBeCloseTo(8, 6);
    const same = Array.from({ length: 8 }, () => axes[0] ?? new Float32Array(dimensions));
    expect(setDiversity([], same, { seed: 1 }).vendi?.value).toBeCloseTo(1, 6);
  });

  it('has intervals around the figures, narrower for more texts, the same for the same seed', () => {
    const [few, many] = [20, 80].map((count) => {
      return setDiversity(texts(count, 3), vectors(count, 4), { seed: 9, rounds: 300 });
    });
    for (const figures of [few, many]) {
      for (const estimate of [figures?.meanCosine, figures?.nearestNeighbour, figures?.vendi, figures?.distinct2]) {
        expect(estimate && contains(estimate)).toBe(true);
      }
    }
    const width = (estimate: Estimate | null | undefined) =>
      (estimate?.interval?.high ?? 0) - (estimate?.interval?.low ?? 0);
    expect(width(many?.meanCosine)).toBeLessThan(width(few?.meanCosine));
    expect(setDiversity(texts(20, 3), vectors(20, 4), { seed: 9, rounds: 300 })).toEqual(few);
  });

  it('covers the mean cosine of the source in about 95 of 100 samples of it', () => {
    const all = vectors(400, 5);
    const truth = setDiversity([], all, { seed: 1, rounds: 1 }).meanCosine?.value ?? 0;
    const random = randomFrom(11);
    let covered = 0;
    for (let trial = 0; trial < 100; trial++) {
      const drawn = Array.from({ length: 24 }, () => all[random.below(all.length)] ?? new Float32Array(dimensions));
      const interval = setDiversity([], drawn, { seed: trial, rounds: 100 }).meanCosine?.interval;
      if (interval && interval.low <= truth && truth <= interval.high) covered++;
    }
    expect(covered).toBeGreaterThan(80);
  });

  it('has the same Vendi score from the texts and from the dimensions, whichever are fewer', () => {
    const many = vectors(40, 6);
    const wide = many.map((vector) => Float32Array.from({ length: 64 }, (_, i) => vector[i] ?? 0));
    const [narrow, padded] = [many, wide].map((each) => setDiversity([], each, { seed: 1, rounds: 1 }).vendi?.value);
    expect(narrow).toBeCloseTo(padded ?? 0, 6);
    expect(narrow).toBeGreaterThan(2);
  });

  it('says nothing of too few texts, and leaves out texts without tokens', () => {
    const none = { meanCosine: null, nearestNeighbour: null, vendi: null, distinct2: null };
    expect(setDiversity([], [], { seed: 1 })).toEqual(none);
    expect(setDiversity(['one'], [new Float32Array(dimensions)], { seed: 1 })).toEqual(none);
    const one = setDiversity(['one two three'], vectors(1, 1), { seed: 1, rounds: 100 });
    expect(one).toMatchObject({ meanCosine: null, nearestNeighbour: null, vendi: { value: expect.closeTo(1, 6) } });
    const two = vectors(2, 1);
    const zero = new Float32Array(dimensions);
    expect(setDiversity(['', '', ''], [...two, zero], { seed: 1 }).meanCosine?.value).toBeCloseTo(
      dot(two[0] ?? zero, two[1] ?? zero),
      6,
    );
  });
});
