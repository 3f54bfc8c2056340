import { plan } from '../../operators/bare/plan.js';
import type { Recipe } from '../../schemas/recipe.js';
import { onKinds } from '../stage/on-kinds.js';
import type { StageContext } from '../stage/stage.js';
import type { StageOperator } from './parts.js';

/** Seeds, targets and the ledger become plans. */
export function planning(recipe: Recipe, { partition, memory }: StageContext): StageOperator {
  const { domain, seed, steps } = recipe;
  const lane = { domain, lane: partition, window: windowOf(recipe), examples: steps.draft.examples, seed };
  return onKinds(['seed', 'tick', 'ledger-entry'], plan({ ...lane, memory }));
}

/** Plans outstanding in a lane: twice what the base model works on, so that it never waits for a plan. */
export function windowOf({ window, models }: Recipe): number {
  if (window !== undefined) return window;
  const { base } = models;
  if (base.engine === 'llama') return 2 * (base.sequences ?? defaultSequences);
  return base.engine === 'openai' ? 2 * base.maxInFlight : 64;
}

/** Sequences that llama.cpp decodes together where the recipe does not say. */
export const defaultSequences = 8;
