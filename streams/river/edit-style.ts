import type { Recipe } from '../../schemas/recipe.js';

/** How drafts are edited: tiny models copy-edit under a grammar, others are asked as BARE asks. Undefined where nothing edits. */
export function editStyleOf({ models, steps }: Recipe): 'edit' | 'copy-edit' | undefined {
  if (steps.refine === 'off' || models.instruct === undefined) return undefined;
  return steps.refine.style ?? (models.instruct.engine === 'llama' ? 'copy-edit' : 'edit');
}
