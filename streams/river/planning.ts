import type { Feed } from '../../operators/bare/material.js';
import { builtInPersonas } from '../../operators/bare/personas.js';
import { plan } from '../../operators/bare/plan.js';
import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { InputConfig, Recipe } from '../../schemas/recipe.js';
import { onKinds } from '../stage/on-kinds.js';
import type { StageContext } from '../stage/stage.js';
import { drafterOf, writesGroups } from './drafter.js';
import type { StageOperator } from './parts.js';
import { ownTopic } from './topics-of.js';

/** What a lane's plans are drawn from, its targets and the ledger become plans. */
export function planning(recipe: Recipe, { partition: lane, memory }: StageContext): StageOperator {
  const { domain, seed, steps, inputs } = recipe;
  const { way, from, examples, group, personas } = steps.draft;
  const operator = plan({
    domain,
    lane,
    seed,
    memory,
    window: windowOf(recipe),
    ...(writesGroups(recipe) ? { group } : {}),
    examples,
    from,
    personas: personas === true ? builtInPersonas : personas,
    documents: feedOf(inputs.documents),
    given: way === 'given' ? feedOf(inputs.drafts) : undefined,
  });
  return onKinds(['seed', 'real', 'document', 'given', 'tick', 'ledger-entry'], operator);
}

function feedOf(input: InputConfig | undefined): Feed | undefined {
  if (input === undefined) return undefined;
  return typeof input === 'object' && 'topic' in input ? 'topic' : 'files';
}

/** The topics beside seeds and ledger that plans are drawn from; none of them need end. */
export function drawnTopics({ inputs, steps }: Recipe): readonly string[] {
  const { from, way } = steps.draft;
  return [
    ...(from === 'real' ? [ownTopic(inputs.real) ?? 'real'] : []),
    ...(inputs.documents === undefined ? [] : [ownTopic(inputs.documents) ?? 'documents']),
    ...(way === 'given' ? [ownTopic(inputs.drafts) ?? 'given'] : []),
  ];
}

/** Plans outstanding in a lane: twice what the drafting model works on, so that it never waits for a plan; whole groups. */
export function windowOf(recipe: Recipe): number {
  const group = writesGroups(recipe) ? recipe.steps.draft.group : 1;
  const plans = recipe.window ?? defaultWindow(2 * callsAtOnce(recipe), group);
  return Math.ceil(plans / group) * group;
}

/** Groups are many plans a call: not more of them than align can hold for one before them. */
function defaultWindow(calls: number, group: number): number {
  return Math.max(calls, 2 * group, Math.min(mostGrouped, calls * group));
}

const mostGrouped = 4096;

function callsAtOnce(recipe: Recipe): number {
  const { models, steps } = recipe;
  const refiner = steps.refine === 'off' ? undefined : models.instruct;
  // A batch is filled by what is on its way: a refiner that works in batches needs as many plans as a drafter.
  const batched = refiner?.engine === 'openai-batch' ? refiner.maxInFlight : 0;
  return Math.max(batched, callsOf(drafterOf(recipe)?.model));
}

function callsOf(model: LanguageModelConfig | undefined): number {
  if (model?.engine === 'llama') return model.sequences ?? defaultSequences;
  return model !== undefined && 'maxInFlight' in model ? model.maxInFlight : 32;
}

/** Sequences that llama.cpp decodes together where the recipe does not say. */
export const defaultSequences = 8;
