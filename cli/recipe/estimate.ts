import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import { modelsInUse } from './cross-checks.js';

/** What a model is expected to read and write for a target. */
export interface ModelEstimate {
  readonly role: 'base' | 'instruct';
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars; null where the recipe names no price. */
  readonly cost: number | null;
  /** Null where the model's speed is not known. */
  readonly seconds: number | null;
}

export interface Estimate {
  /** The accepted samples that this is for; of an endless target, a thousand. */
  readonly samples: number;
  readonly models: readonly ModelEstimate[];
  readonly tokens: number;
  readonly cost: number | null;
  readonly seconds: number | null;
  /** How it was estimated, a sentence each. */
  readonly basis: readonly string[];
}

/** As measured with the recipe `emails`: 32 drafts and 28 edits for 24 accepted samples. */
const requestsPerSample = { base: 32 / 24, instruct: 28 / 24 } as const;
const charactersPerToken = 4;
/** Of markers, tags and instructions around an example. */
const frameTokens = 24;
/** CPU milliseconds a token with one thread and several sequences at once, as measured on a shared server core. */
const measuredSpeed: Readonly<Record<string, number>> = { 'gemma-3-270m': 28, 'smollm2-135m-instruct': 16 };
const endlessSamples = 1000;

/** Tokens, cost and time for a recipe's target, from the mean characters of its seeds; null where there are no seeds. */
export function estimate(recipe: Recipe, seedCharacters: number | null): Estimate | null {
  if (seedCharacters === null) return null;
  const samples = 'samples' in recipe.target ? recipe.target.samples : endlessSamples;
  const models = [...modelsInUse(recipe)].map(([role, model]) => {
    return modelEstimate(role, model, recipe, samples, Math.ceil(seedCharacters / charactersPerToken));
  });
  return {
    samples,
    models,
    tokens: sum(models.map(({ promptTokens, completionTokens }) => promptTokens + completionTokens)) ?? 0,
    cost: sum(models.map(({ cost }) => cost)),
    seconds: longest(models.map(({ seconds }) => seconds)),
    basis: [
      `a sample is as long as the mean seed, ${Math.round(seedCharacters)} characters, at ${charactersPerToken} characters a token`,
      '32 drafts and 28 edits make 24 accepted samples, as measured with the recipe emails',
      'the time is that of the slower model, as measured with one thread of a shared server core; servers are not asked',
    ],
  };
}

function modelEstimate(
  role: 'base' | 'instruct',
  model: LanguageModelConfig,
  recipe: Recipe,
  samples: number,
  sampleTokens: number,
): ModelEstimate {
  const requests = Math.ceil(samples * requestsPerSample[role]);
  // Tiny models edit without examples.
  const examples = role === 'base' || model.engine !== 'llama' ? recipe.steps.draft.examples : 0;
  const shown = role === 'base' ? examples : examples + 1;
  const promptTokens = requests * (shown * (sampleTokens + frameTokens) + frameTokens);
  const completionTokens = requests * Math.min(sampleTokens + 8, model.maxTokens ?? Number.POSITIVE_INFINITY);
  const milliseconds = model.engine === 'llama' ? measuredSpeed[model.model] : undefined;
  const seconds = milliseconds === undefined ? null : Math.ceil((completionTokens * milliseconds) / 1000);
  return {
    role,
    requests,
    promptTokens,
    completionTokens,
    cost: costOf(model, promptTokens, completionTokens),
    seconds: model.engine === 'replay' ? 0 : seconds,
  };
}

function costOf(model: LanguageModelConfig, promptTokens: number, completionTokens: number): number | null {
  if (model.engine !== 'openai') return 0;
  if (model.price === undefined) return null;
  return (promptTokens * model.price.input + completionTokens * model.price.output) / 1e6;
}

function sum(values: readonly (number | null)[]): number | null {
  return values.reduce((total, value) => (total === null || value === null ? null : total + value), 0);
}

function longest(values: readonly (number | null)[]): number | null {
  return values.reduce((most, value) => (most === null || value === null ? null : Math.max(most, value)), 0);
}
