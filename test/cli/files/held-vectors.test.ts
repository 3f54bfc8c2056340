import fc from 'fast-check';
import { expect, test } from 'vitest';

import { HeldVectors } from '../../../cli/files/held-vectors.js';

function held(labels: readonly (string | undefined)[], most: number, seed = 0): HeldVectors {
  const vectors = new HeldVectors(most, seed);
  for (const [row, label] of labels.entries()) vectors.add({ row, label, vector: Float32Array.of(row, 1) });
  return vectors;
}

test('every label has its part of the places, or all of its records, in whatever order they come', () => {
  const labels = fc.array(fc.constantFrom('a', 'a', 'a', 'a', 'b', 'b', 'c', 'd'), { maxLength: 120 });
  fc.assert(
    fc.property(labels, fc.integer({ min: 1, max: 30 }), fc.nat(9), (of, most, seed) => {
      const vectors = held(of, most, seed);
      expect(vectors.size).toBe(Math.min(most, of.length));
      expect(vectors.seen).toBe(of.length);
      const part = Math.floor(most / vectors.counts.size);
      for (const [label, count] of vectors.counts) {
        expect(count).toBe(of.filter((own) => own === label).length);
        const places = vectors.placesOf(label);
        expect(places.length).toBeGreaterThanOrEqual(Math.min(part, count));
        expect([...places].map((at) => of[vectors.rows[at] ?? -1])).toEqual(
          places.length === 0 ? [] : Array.from(places, () => label),
        );
      }
      const { data } = vectors.points;
      for (const [at, row] of vectors.rows.entries())
        expect([data[2 * at], of[row]]).toEqual([row, vectors.labels[at]]);
      expect(new Set(vectors.rows).size).toBe(vectors.size);
    }),
    { seed: 5, numRuns: 200 },
  );
});

test('within a label each record is held as often as the others', () => {
  const labels = Array.from({ length: 60 }, (_, n) => (n < 40 ? 'first' : 'last'));
  const rounds = 4000;
  const times = new Float64Array(60);
  for (let seed = 0; seed < rounds; seed++)
    for (const row of held(labels, 10, seed).rows) times[row] = (times[row] ?? 0) + 1;
  // 5 of 40 and 5 of 20; six standard errors
  const near = (share: number) => 6 * Math.sqrt((share * (1 - share)) / rounds);
  for (const [row, count] of times.entries()) {
    const share = row < 40 ? 5 / 40 : 5 / 20;
    expect(Math.abs(count / rounds - share)).toBeLessThan(near(share));
  }
});
