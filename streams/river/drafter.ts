import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { Way } from '../../schemas/steps/writing.js';

export type WriterRole = 'base' | 'instruct';

/** Which model of a recipe each way asks; null: none. */
export const askedBy: Readonly<Record<Way, WriterRole | null>> = {
  base: 'base',
  'few-shot': 'instruct',
  sequential: 'instruct',
  'in-one': 'instruct',
  given: null,
};

/** Ways in which the plans of a group are written together. */
export function writesGroups({ steps }: Recipe): boolean {
  return steps.draft.way === 'sequential' || steps.draft.way === 'in-one';
}

/** The model that writes a recipe's drafts; undefined where they are given, or the recipe lacks it. */
export function drafterOf({
  models,
  steps,
}: Recipe): { readonly role: WriterRole; readonly model: LanguageModelConfig } | undefined {
  const role = askedBy[steps.draft.way];
  const model = role === null ? undefined : models[role];
  return role === null || model === undefined ? undefined : { role, model };
}
