import { draft } from '../../operators/bare/draft.js';
import { refine } from '../../operators/bare/refine.js';
import { unrefined } from '../../operators/bare/unrefined.js';
import { surplusAfter } from '../../operators/flow/surplus-after.js';
import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import { onKinds } from '../stage/on-kinds.js';
import type { StageContext } from '../stage/stage.js';
import { needed, type RiverParts, type StageOperator } from './parts.js';

/** Plans become drafts. */
export function drafting(recipe: Recipe, parts: RiverParts, { journal }: StageContext): StageOperator {
  const { base, meter, complete } = parts;
  const { domain, models, steps } = recipe;
  const model = needed(base, 'base')(journal);
  const writing = draft({ model, domain, attempts: steps.draft.attempts, sampling: models.base, meter });
  return onKinds(['plan'], surplusAfter(complete)(writing));
}

/** Drafts become refined texts. */
export function refining(recipe: Recipe, parts: RiverParts, { journal }: StageContext): StageOperator {
  const { instruct, embedder, meter, complete } = parts;
  const { domain, models, steps } = recipe;
  if (steps.refine === 'off' || models.instruct === undefined) return onKinds(['draft'], unrefined());
  const model = needed(instruct, 'instruct')(journal);
  const style = steps.refine.style ?? styleFor(models.instruct);
  const editing = refine({ ...steps.refine, style, model, domain, embedder, sampling: models.instruct, meter });
  return onKinds(['draft'], surplusAfter(complete)(editing));
}

/** Tiny models copy-edit under a grammar; others are asked as BARE asks. */
function styleFor({ engine }: LanguageModelConfig): 'edit' | 'copy-edit' {
  return engine === 'llama' ? 'copy-edit' : 'edit';
}
