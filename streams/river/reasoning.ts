import { OpenAnswers } from '../../operators/flow/open-answers.js';
import {
  type AttributeFigures,
  attributeFiguresOf,
  isAttributeFigure,
} from '../../operators/synalign/reason/attribute-figures.js';
import { reason } from '../../operators/synalign/reason/reason.js';
import type { Recipe } from '../../schemas/recipe.js';
import { onKinds } from '../stage/on-kinds.js';
import type { StageContext } from '../stage/stage.js';
import type { Topics } from '../topics.js';
import { needed, type RiverParts, type StageOperator } from './parts.js';
import { reasonerOf } from './reasoner.js';
import { stageMemories } from './stage-memories.js';

/** Plans get attributes of their examples; `window` is the planner's. */
export function reasoning(
  recipe: Recipe,
  parts: RiverParts,
  { partition: lane, memory, journal }: StageContext,
  window: number,
): StageOperator {
  const { domain, steps } = recipe;
  const reasoner = reasonerOf(recipe);
  if (steps.reason === 'off' || reasoner === undefined) throw new TypeError('the recipe has no step reason');
  const { role, model } = reasoner;
  const { temperature } = steps.reason;
  const answers = new OpenAnswers();
  const operator = reason({
    model: needed(parts[role], role)(answers.watching(journal)),
    role,
    domain,
    lane,
    settings: steps.reason,
    memory,
    window,
    // the temperature of a writer is not that of a reader
    sampling: { ...model, temperature },
    meter: parts.meter,
    complete: parts.complete,
    answers,
  });
  return onKinds(['plan', 'ledger-entry'], operator);
}

/** What the attributes of each lane come to, from the memory of the stage. */
export async function attributeFigures(topics: Topics): Promise<readonly AttributeFigures[]> {
  const memories = await stageMemories(topics, 'reason', isAttributeFigure);
  return memories.map(attributeFiguresOf);
}
