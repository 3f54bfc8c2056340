import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { WriterRole } from './drafter.js';

/** The model that finds the attributes of a recipe's examples; undefined where none does, or the recipe lacks it. */
export function reasonerOf({
  models,
  steps,
}: Recipe): { readonly role: WriterRole; readonly model: LanguageModelConfig } | undefined {
  if (steps.reason === 'off') return undefined;
  const role = steps.reason.role ?? (models.instruct === undefined ? 'base' : 'instruct');
  const model = models[role];
  return model === undefined ? undefined : { role, model };
}
