import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { FeatureSum } from '../../../../operators/kernels/mmd/feature-sum.js';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { EmbeddingWindow } from '../../../../operators/synalign/mmd/embedding-window.js';
import { memoryAfter } from '../../flow/operator-contract.js';
import { dimensions, vectors } from '../drift-stream.js';

const frequencies = 4;
const features = randomFeatures({ dimensions, frequencies, bandwidth: 1, seed: 3 });

function windowOf(keptFeatures: number, memory: ReadonlyMap<string, unknown> = new Map()): EmbeddingWindow {
  const window = new EmbeddingWindow({ name: 'real', capacity: 7, dimensions, memory, keptFeatures });
  window.useFeatures(features);
  return window;
}

function phiOf(vector: Float32Array): Float64Array {
  const phi = new Float64Array(2 * frequencies);
  features.map(vector, phi);
  return phi;
}

describe('EmbeddingWindow', () => {
  test('however many features it keeps, also after a restart, sums and features are those of what is inside', () => {
    fc.assert(
      fc.property(fc.nat(30), fc.nat(30), fc.integer({ min: 0, max: 80 }), fc.nat(), (before, after, kept, seed) => {
        const draw = vectors(seed);
        const items: Float32Array[] = [];
        const changes: [string, unknown][] = [];
        let window = windowOf(kept);
        const push = () => {
          const item = draw();
          items.push(item);
          changes.push(...window.push(item).changes.map(([key, value]): [string, unknown] => [key, value]));
        };
        for (let n = 0; n < before; n++) push();
        window = windowOf(kept, memoryAfter([{ kind: 'absorbed', input: 0, changes }]));
        for (let n = 0; n < after; n++) push();
        const inside = items.slice(-7);
        const sum = new FeatureSum(frequencies);
        for (const item of inside) sum.add(phiOf(item));
        expect(window.sum.values).toEqual(sum.values);
        expect([window.seen, window.size, window.oldest]).toEqual([
          items.length,
          inside.length,
          items.length - inside.length,
        ]);
        expect(window.oldestKept).toBeGreaterThanOrEqual(window.oldest);
        for (const [age, item] of inside.entries()) {
          expect(window.embedding(window.oldest + age)).toEqual(item);
          expect(window.featuresOf(window.oldest + age)).toEqual(phiOf(item));
        }
        expect([...window.newest(3)]).toEqual(inside.slice(-3));
      }),
    );
  });

  test('what is not inside has no embedding and no features', () => {
    const window = windowOf(100);
    const draw = vectors(1);
    for (let n = 0; n < 9; n++) window.push(draw());
    expect(() => window.embedding(1)).toThrow('the window holds the embeddings 2 to 8, not 1');
    expect(() => window.featuresOf(9)).toThrow(RangeError);
    const bare = new EmbeddingWindow({ name: 'real', capacity: 7, dimensions, memory: new Map() });
    bare.push(draw());
    expect(() => bare.featuresOf(0)).toThrow('the window has no features yet');
  });
});
