import type { Recipe } from '../../schemas/recipe.js';

/** Whether samples are weighted by the real stream, or compared with it by MMD: else `align` does not read that. */
export function compares({ steps }: Recipe): boolean {
  return steps.rollingMmd !== 'off' || steps.align !== 'off';
}
