import { randomInt } from 'node:crypto';

import type { SequenceEvaluateOptions } from 'node-llama-cpp';

import type { Sampling } from '../../operators/language-model.js';
import { whole, within } from './options.js';

const maxSeed = 0xffff_ffff;

/**
 * What llama.cpp is told about sampling. `topK` is 40 unless asked for, since 0 (no limit) more than doubles the cost of a
 * token where the vocabulary is large; `topP` is 1, `minP` 0. No penalty for repetition. Throws `TypeError` naming the field.
 */
export function sampler(request: Sampling): SequenceEvaluateOptions {
  const { temperature, maxTokens, topP = 1, topK = 40, minP = 0, seed = randomInt(maxSeed) } = request;
  within('temperature', temperature, 0, 100);
  whole('maxTokens', maxTokens, 1, 1 << 20);
  within('topP', topP, 0, 1);
  whole('topK', topK, 0, 1 << 20);
  within('minP', minP, 0, 1);
  whole('seed', seed, 0, maxSeed);
  return {
    temperature,
    topP,
    topK,
    minP,
    // llama.cpp takes the largest seed as a wish for a random one.
    seed: Math.min(seed, maxSeed - 1),
    yieldEogToken: true,
    contextShift: { strategy: neverShift },
  };
}

/** The lengths are checked before, so a shift would be a mistake of ours: it must not lose the head of a prompt silently. */
function neverShift(): never {
  throw new Error('a sequence outgrew its context');
}
