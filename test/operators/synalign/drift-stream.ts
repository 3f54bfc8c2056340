import { randomFrom } from '../../../operators/kernels/random.js';
import type { EmbeddedReal } from '../../../operators/synalign/embedded-real.js';
import { sampleOf } from '../../../operators/synalign/sample-of.js';
import type { Plan } from '../../../schemas/plan.js';
import type { Sample } from '../../../schemas/sample.js';
import { realRecord, refinedRecord } from '../flow/records.js';
import { unit } from './hashing-embedder.js';

export const dimensions = 6;
export const embedder = { id: 'test/vectors@6', dimensions };

/** Unit vectors around a direction: the larger the shift, the further along the first axis. */
export function vectors(seed: number): (shift?: number) => Float32Array {
  const random = randomFrom(seed);
  return (shift = 0) =>
    unit(Float32Array.from({ length: dimensions }, (_, i) => random.gaussian() + (i === 0 ? shift : 0)));
}

export function realAt(n: number, embedding: Float32Array, label?: string): EmbeddedReal {
  const real = realRecord(n);
  return { kind: 'embedded-real', real: label === undefined ? real : { ...real, label }, embedding };
}

export function sampleAt(n: number, embedding: Float32Array, plan: Partial<Plan> = {}): Sample {
  return sampleOf(refinedRecord(n, plan), embedding);
}
