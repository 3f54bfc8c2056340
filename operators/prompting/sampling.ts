import type { Call } from '../../schemas/call.js';
import type { Completion, Sampling } from '../language-model.js';

/** How answers are sampled, where it shall differ from the operator's default. The random seed is the plan's. */
export interface SamplingOverrides {
  readonly temperature?: number | undefined;
  /** Tokens of one answer; a longer one is cut and counts as a failure. */
  readonly maxTokens?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly minP?: number | undefined;
}

const names = ['temperature', 'maxTokens', 'topP', 'topK', 'minP'] as const;

/** The defaults with what was asked for over them; undefined does not count, nor do properties that are no sampling. */
export function sampled(defaults: Sampling, overrides: SamplingOverrides = {}): Sampling {
  const asked = names.flatMap((name) => (overrides[name] === undefined ? [] : [[name, overrides[name]] as const]));
  return { ...defaults, ...Object.fromEntries(asked) };
}

const goldenRatio = 0x9e3779b9;

/**
 * The random seed (32 bits) of a model call for a plan: attempts, from 0, and roles have different ones. The first draft
 * is written with the plan's own.
 */
export function callSeed(randomSeed: number, role: Call['role'], attempt: number): number {
  const first = role === 'base' ? randomSeed : ~randomSeed;
  return (first + attempt * goldenRatio) >>> 0;
}

/** What a record tells about a model call; a replayed completion gives the same. */
export function callOf(
  role: Call['role'],
  prompt: string,
  sampling: Sampling,
  randomSeed: number,
  completion: Completion,
): Call {
  return {
    role,
    model: completion.model,
    prompt,
    temperature: sampling.temperature,
    randomSeed,
    promptTokens: completion.usage.promptTokens,
    completionTokens: completion.usage.completionTokens,
    cost: completion.cost,
    finishReason: completion.finishReason,
    startedAt: Math.trunc(completion.startedAt),
    milliseconds: completion.milliseconds,
    ...(completion.reused === true && { reused: true }),
  };
}
