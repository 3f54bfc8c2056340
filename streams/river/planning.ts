import { map } from 'rxjs';
import { chain } from '../../operators/flow/chain.js';
import type { Outcome } from '../../operators/flow/outcome.js';
import type { Feed } from '../../operators/planning/material.js';
import { builtInPersonas } from '../../operators/planning/personas.js';
import { type PlanInput, type PlanOptions, plan } from '../../operators/planning/plan.js';
import { embed } from '../../operators/synalign/embed.js';
import type { EmbeddedReal } from '../../operators/synalign/embedded-real.js';
import type { ExploringOptions } from '../../operators/synalign/explore/explored-examples.js';
import { witnessFrequencies } from '../../operators/synalign/mmd/correction-details.js';
import type { AnyRecord } from '../../schemas/codec.js';
import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { InputConfig, Recipe } from '../../schemas/recipe.js';
import type { StageContext } from '../stage/stage.js';
import { drafterOf, writesGroups } from './drafter.js';
import { needed, type RiverParts, type StageOperator } from './parts.js';
import { reasonerOf } from './reasoner.js';
import { ownTopic } from './topics-of.js';

/** What a lane's plans are drawn from, its targets and the ledger become plans. */
export function planning(recipe: Recipe, parts: RiverParts, context: StageContext): StageOperator {
  const { domain, steps } = recipe;
  const planned = plan(planOptions(recipe, parts, context));
  if (steps.explore === 'off') return chain(taking<AnyRecord>(recordKinds), planned);
  const embedder = needed(parts.embedder, 'embed');
  return chain(embed({ embedder, domain }), taking(exploredKinds), planned);
}

const recordKinds = ['seed', 'real', 'document', 'given', 'tick', 'ledger-entry'] as const;
const exploredKinds = ['seed', 'embedded-real', 'document', 'given', 'tick', 'ledger-entry', 'correction'] as const;

/** Records of some kinds pass; the others are dead with `record-invalid`. */
function taking<In extends AnyRecord | EmbeddedReal>(kinds: readonly PlanInput['kind'][]) {
  const isTaken = (record: In): record is In & PlanInput => kinds.some((kind) => kind === record.kind);
  return map((input: In): Outcome<In, In & PlanInput> => {
    if (isTaken(input)) return { kind: 'emitted', input, outputs: [input] };
    const message = `a ${input.kind} record is on a topic of ${kinds.join(', ')} records`;
    return { kind: 'dead', input, code: 'record-invalid', message };
  });
}

function planOptions(recipe: Recipe, parts: RiverParts, context: StageContext): PlanOptions {
  const { domain, seed, steps, inputs } = recipe;
  const { way, from, examples, group, personas } = steps.draft;
  return {
    domain,
    lane: context.partition,
    seed,
    memory: context.memory,
    window: windowOf(recipe),
    ...(writesGroups(recipe) ? { group } : {}),
    examples,
    from,
    explore: exploringOf(recipe, parts, context),
    reasons: reasonerOf(recipe) !== undefined,
    personas: personas === true ? builtInPersonas : personas,
    documents: feedOf(inputs.documents),
    given: way === 'given' ? feedOf(inputs.drafts) : undefined,
  };
}

function exploringOf(
  recipe: Recipe,
  { embedder }: RiverParts,
  { positionOf }: StageContext,
): ExploringOptions | undefined {
  const { explore, steer, reason, rollingMmd } = recipe.steps;
  if (explore === 'off') return undefined;
  return {
    embedder: needed(embedder, 'embed'),
    settings: explore,
    steer,
    ...(rollingMmd === 'off' ? {} : { frequencies: Math.min(rollingMmd.frequencies, witnessFrequencies) }),
    uses: reason === 'off' || reasonerOf(recipe) === undefined ? 1 : reason.uses,
    feed: feedOf(recipe.inputs.real) ?? 'topic',
    placeOf: (real) => positionOf(real)?.offset,
  };
}

function feedOf(input: InputConfig | undefined): Feed | undefined {
  if (input === undefined) return undefined;
  return typeof input === 'object' && 'topic' in input ? 'topic' : 'files';
}

/** The topics beside seeds and ledger that plans are drawn from; none of them need end. */
export function drawnTopics({ inputs, steps }: Recipe): readonly string[] {
  const { from, way } = steps.draft;
  return [
    ...(from === 'real' || steps.explore !== 'off' ? [ownTopic(inputs.real) ?? 'real'] : []),
    ...(inputs.documents === undefined ? [] : [ownTopic(inputs.documents) ?? 'documents']),
    ...(way === 'given' ? [ownTopic(inputs.drafts) ?? 'given'] : []),
  ];
}

/** The topic of corrections, where these change what is planned. */
export function steeringTopics({ steps }: Recipe): readonly string[] {
  return steps.steer === 'off' ? [] : ['corrections'];
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
