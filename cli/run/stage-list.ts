import { HeadwaterError } from '../../schemas/errors.js';
import type { Recipe } from '../../schemas/recipe.js';
import { idleParts } from '../../streams/river/parts.js';
import { runnableStages, type StageName, stagesOf } from '../../streams/river/stages.js';

/** Throws `recipe-invalid` where the recipe has none of the stages: their worker would do nothing for ever. */
export function checkStages(recipe: Recipe, stages: readonly StageName[]): void {
  if (stagesOf(recipe, idleParts, stages).length > 0) return;
  const has = runnableStages.filter((name) => stagesOf(recipe, idleParts, [name]).length > 0);
  const what = `--stages: the recipe has no stage ${stages.join(', ')}`;
  throw new HeadwaterError('recipe-invalid', `${what}: choose from its own, ${has.join(', ')}`);
}

/** The stages of `--stages`, in the order of the river; without it all. Throws `recipe-invalid`. */
export function stageList(stages: string | undefined): readonly StageName[] {
  if (stages === undefined) return runnableStages;
  const names = stages.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !runnableStages.some((known) => known === name));
  if (unknown === undefined) return runnableStages.filter((name) => names.includes(name));
  throw new HeadwaterError(
    'recipe-invalid',
    `--stages: there is no stage '${unknown}': choose from ${runnableStages.join(', ')}`,
  );
}
