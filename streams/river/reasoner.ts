import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { WriterRole } from './drafter.js';
import { editStyleOf } from './edit-style.js';

/** The model that finds the attributes of a recipe's examples; undefined where nothing is written from them, or the recipe lacks it. */
export function reasonerOf(
  recipe: Recipe,
): { readonly role: WriterRole; readonly model: LanguageModelConfig } | undefined {
  const { reason } = recipe.steps;
  if (reason === 'off' || !usesAttributes(recipe)) return undefined;
  const { role } = reason;
  const model = recipe.models[role];
  return model === undefined ? undefined : { role, model };
}

/** Whether attributes of examples would be written from: a given text is only edited by them, and a copy-edit has none. */
export function usesAttributes(recipe: Recipe): boolean {
  return recipe.steps.draft.way !== 'given' || editStyleOf(recipe) === 'edit';
}
