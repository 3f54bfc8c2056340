import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { FeatureSum } from '../../../../operators/kernels/mmd/feature-sum.js';
import { type Random, randomFrom } from '../../../../operators/kernels/random.js';
import { alignmentFeatures } from '../../../../operators/synalign/align/alignment-features.js';
import { WeightedTexts } from '../../../../operators/synalign/align/weighted-texts.js';
import { alignStep } from '../../../../schemas/steps/synalign.js';
import { unit } from '../hashing-embedder.js';

const dimensions = 16;
const capacity = 128;
const every = 32;
const frequencies = 64;
const features = alignmentFeatures({ objective: 'kernel', dimensions, frequencies, bandwidth: 0.8, seed: 1 });

type Memory = ReadonlyMap<string, unknown>;

function begun({ memory = new Map() as Memory, seed = 7, name = 'texts' } = {}): WeightedTexts {
  const settings = alignStep.parse({ buffer: capacity, every });
  const texts = new WeightedTexts({ name, capacity, dimensions, settings, seed, memory });
  texts.useFeatures(features);
  return texts;
}

/** Near one of four axes: the n-th with a chance in proportion to the n-th share. */
function vector(random: Random, shares: readonly number[]): Float32Array {
  const drawn = random.below(shares.reduce((sum, share) => sum + share, 0));
  let axis = 0;
  for (let end = shares[0] ?? 0; drawn >= end; end += shares[axis] ?? 1) axis++;
  return unit(Float32Array.from({ length: dimensions }, (_, i) => 0.3 * random.gaussian() + (i === axis ? 1 : 0)));
}

function reals(random: Random): FeatureSum {
  const sum = new FeatureSum(frequencies);
  const phi = new Float64Array(features.length);
  for (let i = 0; i < 500; i++) {
    features.map(vector(random, [4, 3, 2, 1]), phi);
    sum.add(phi);
  }
  return sum;
}

const stored = z.looseObject({ iterations: z.number(), own: z.number() });
type Stored = z.infer<typeof stored>;

/** Every solution that was stored once the buffer was full; before each, `restart` may put others in place of the texts. */
function solutionsOf(texts: WeightedTexts, restart?: (memory: Memory) => WeightedTexts): readonly Stored[] {
  const random = randomFrom(3);
  const real = reals(random);
  const memory = new Map<string, unknown>();
  const solutions: Stored[] = [];
  let current = texts;
  for (let n = 1; n <= 448; n++) {
    if (n % every === 0 && restart !== undefined) current = restart(memory);
    for (const [key, value] of current.weigh(vector(random, [1, 1, 2, 6]), real).changes) {
      memory.set(key, value);
      if (key.endsWith('/solution') && n > capacity) solutions.push(stored.parse(value));
    }
  }
  return solutions;
}

/** A memory whose solution, where there is one, has these fields instead. */
function withSolution(memory: Memory, fields: Readonly<Record<string, unknown>>): Memory {
  const solution = memory.get('texts/solution');
  if (solution === undefined) return memory;
  return new Map(memory).set('texts/solution', { ...stored.parse(solution), ...fields });
}

const iterations = (solutions: readonly Stored[]) => solutions.reduce((sum, solution) => sum + solution.iterations, 0);

describe('weighted texts', () => {
  test('begin with the weights that texts had in the last solution, which saves a good part of the work', () => {
    const warm = solutionsOf(begun());
    expect(warm.length).toBe(10);
    const even = solutionsOf(begun(), (memory) => begun({ memory: new Map(memory).set('texts/solution', null) }));
    // to a solution that has seen no text, all are newcomers
    const strange = solutionsOf(begun(), (memory) => begun({ memory: withSolution(memory, { seen: 0 }) }));
    expect(iterations(warm)).toBeLessThan(0.8 * iterations(even));
    expect(iterations(warm)).toBeLessThan(0.9 * iterations(strange));
    // a restart knows what each text was to the solution
    expect(solutionsOf(begun(), (memory) => begun({ memory }))).toEqual(warm);
  });

  test('a solution that was stored without what it has seen is read', () => {
    const fields = { seen: undefined, iterations: undefined };
    const without = solutionsOf(begun(), (memory) => begun({ memory: withSolution(memory, fields) }));
    const strange = solutionsOf(begun(), (memory) => begun({ memory: withSolution(memory, { seen: 0 }) }));
    expect(without).toEqual(strange);
  });

  test('what is drawn for a solution comes from the seed and the name, and from nothing else', () => {
    const [first] = solutionsOf(begun());
    expect(solutionsOf(begun())[0]?.own).toBe(first?.own);
    expect(solutionsOf(begun({ seed: 8 }))[0]?.own).not.toBe(first?.own);
    expect(solutionsOf(begun({ name: 'texts-of/spam' }))[0]?.own).not.toBe(first?.own);
  });
});
