import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import { priceOf } from './price-of.js';
import type { Problem } from './problem.js';

/** What a budget in money asks of the models: a price each, or nothing would ever stop them. */
export function budgetProblems({ target }: Recipe, used: ReadonlyMap<string, LanguageModelConfig>): readonly Problem[] {
  if (target.budget?.usd === undefined) return [];
  return [...used].flatMap(([role, model]) => {
    if (priceOf(model) !== undefined) return [];
    const name = 'model' in model ? model.model : role;
    const text = `is missing: target.budget.usd needs it, and no public price of ${name} is known; say {input: ..., output: ...} in US dollars for a million tokens, or set target.budget.tokens instead`;
    return [{ path: ['models', role, 'price'], text }];
  });
}
