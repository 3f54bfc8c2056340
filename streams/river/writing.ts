import type { OperatorFunction } from 'rxjs';
import { draft } from '../../operators/bare/draft.js';
import { fewShot } from '../../operators/bare/few-shot.js';
import { given } from '../../operators/bare/given.js';
import { inOne } from '../../operators/bare/in-one.js';
import { refine } from '../../operators/bare/refine.js';
import { sequential } from '../../operators/bare/sequential.js';
import { unrefined } from '../../operators/bare/unrefined.js';
import { chain } from '../../operators/flow/chain.js';
import { OpenAnswers } from '../../operators/flow/open-answers.js';
import type { Outcome } from '../../operators/flow/outcome.js';
import { surplusAfter } from '../../operators/flow/surplus-after.js';
import { decontaminate } from '../../operators/quality/decontaminate.js';
import { journalOfPlans, ofReasoned } from '../../operators/synalign/reason/of-reasoned.js';
import type { Draft } from '../../schemas/draft.js';
import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Plan } from '../../schemas/plan.js';
import type { Recipe } from '../../schemas/recipe.js';
import { onKinds } from '../stage/on-kinds.js';
import type { StageContext } from '../stage/stage.js';
import { drafterOf } from './drafter.js';
import { editStyleOf } from './edit-style.js';
import { needed, type RiverParts, type StageOperator } from './parts.js';
import { reasonerOf } from './reasoner.js';

type DraftingOperator = OperatorFunction<Plan, Outcome<Plan, Draft>>;

/** Plans, or reasoned plans where the recipe reasons, become drafts in the way that it names. */
export function drafting(recipe: Recipe, parts: RiverParts, context: StageContext): StageOperator {
  const answers = new OpenAnswers();
  const journal = answers.watching(context.journal);
  const atTheEnd = surplusAfter(parts.complete, answers);
  if (reasonerOf(recipe) === undefined) {
    return onKinds(['plan'], atTheEnd(wayOf(recipe, parts, { ...context, journal })));
  }
  const writing = wayOf(recipe, parts, { ...context, journal: journalOfPlans(journal) });
  return onKinds(['reasoned'], atTheEnd(ofReasoned(writing)));
}

function wayOf(recipe: Recipe, parts: RiverParts, { journal, memory }: StageContext): DraftingOperator {
  const { domain, steps } = recipe;
  const { way, layout, answer, attempts, temperature } = steps.draft;
  if (way === 'given') return given();
  const drafter = drafterOf(recipe);
  const role = drafter?.role ?? 'instruct';
  const model = needed(parts[role], role)(journal);
  const sampling = withTemperature(drafter?.model, temperature);
  const options = { model, domain, layout, attempts, sampling, meter: parts.meter };
  switch (way) {
    case 'base':
      return draft(options);
    case 'few-shot':
      return fewShot({ ...options, answer });
    case 'sequential':
      return sequential({ ...options, answer, memory });
    case 'in-one':
      return inOne({ ...options, answer, memory });
  }
}

/** Drafts become refined texts. */
export function refining(recipe: Recipe, parts: RiverParts, { journal }: StageContext): StageOperator {
  const { instruct, embedder, meter, complete } = parts;
  const { domain, models, steps } = recipe;
  const style = editStyleOf(recipe);
  if (steps.refine === 'off' || style === undefined) return onKinds(['draft'], unrefined());
  const answers = new OpenAnswers();
  const model = needed(instruct, 'instruct')(answers.watching(journal));
  const sampling = withTemperature(models.instruct, steps.refine.temperature);
  const editing = refine({ ...steps.refine, style, model, domain, embedder, sampling, meter });
  // What a benchmark holds is dropped before anything is paid for it.
  const clean =
    parts.benchmarks === undefined
      ? editing
      : chain(decontaminate({ benchmarks: parts.benchmarks, domain, embedder }), editing);
  return onKinds(['draft'], surplusAfter(complete, answers)(clean));
}

function withTemperature(model: LanguageModelConfig | undefined, temperature: number | undefined) {
  return temperature === undefined ? (model ?? {}) : { ...model, temperature };
}
