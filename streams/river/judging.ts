import { map } from 'rxjs';

import { chain } from '../../operators/flow/chain.js';
import { judge } from '../../operators/quality/judge.js';
import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import { onKinds } from '../stage/on-kinds.js';
import type { StageContext } from '../stage/stage.js';
import type { WriterRole } from './drafter.js';
import { needed, type RiverParts, type StageOperator } from './parts.js';

/** Under what a language model stands in a recipe. */
export type ModelRole = WriterRole | 'judge';

/** The model that judges a recipe's samples, and under which role it stands in the recipe; undefined where none does. */
export function judgeOf({
  models,
  steps,
}: Recipe): { readonly role: 'judge' | 'instruct'; readonly model: LanguageModelConfig } | undefined {
  if (steps.judge === 'off') return undefined;
  if (models.judge !== undefined) return { role: 'judge', model: models.judge };
  return models.instruct === undefined ? undefined : { role: 'instruct', model: models.instruct };
}

/** Some samples are shown to a judge among real records. */
export function judging(
  recipe: Recipe,
  { judge: model, meter }: RiverParts,
  { partition: lane, memory, journal }: StageContext,
): StageOperator {
  const { domain, models, steps, seed } = recipe;
  const options = steps.judge === 'off' ? {} : steps.judge;
  const asked = needed(model, 'judge')(journal);
  // the temperature of an editor is not that of a judge
  const sampling = models.judge;
  const judged = judge({ ...options, model: asked, domain, lane, memory, seed, sampling, meter });
  return chain(withoutTicks(), onKinds(['sample', 'real'], judged));
}

/** That a real file has come to its end is for the planner to know. */
function withoutTicks(): StageOperator {
  return map((input) =>
    input.kind === 'tick' ? { kind: 'absorbed', input } : { kind: 'emitted', input, outputs: [input] },
  );
}
