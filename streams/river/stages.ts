import type { Recipe } from '../../schemas/recipe.js';
import { intakeStages } from '../intake/intake-stages.js';
import { manifest } from '../shards/manifest.js';
import { shard } from '../shards/shard.js';
import { onKinds } from '../stage/on-kinds.js';
import type { Stage } from '../stage/stage.js';
import { aligning } from './alignment.js';
import { compares } from './compares.js';
import { writesGroups } from './drafter.js';
import { judgeOf, judging } from './judging.js';
import { needed, type RiverParts } from './parts.js';
import { drawnTopics, planning, steeringTopics, windowOf } from './planning.js';
import { reasonerOf } from './reasoner.js';
import { reasoning } from './reasoning.js';
import { gatheredTopics, ownTopic } from './topics-of.js';
import { drafting, refining } from './writing.js';

type StageOf = (recipe: Recipe, parts: RiverParts) => Stage;

/** The names of the stages through which every plan goes, in the river's order; `reason` is there where the recipe reasons. */
export const stageNames = ['plan', 'reason', 'draft', 'refine', 'align', 'shard', 'manifest'] as const;
/**
 * What a worker can be told to run; `intake` stands for a stage for each input that is a topic of others, `reason` and `judge` for one
 * each where the recipe reasons and judges.
 */
export const runnableStages = [
  'intake',
  'plan',
  'reason',
  'draft',
  'refine',
  'align',
  'shard',
  'manifest',
  'judge',
] as const;
export type StageName = (typeof runnableStages)[number];

/** Every stage of the river: an operator goes in by a line here. */
const table: Readonly<Record<Exclude<StageName, 'intake'>, StageOf>> = {
  plan: (recipe, parts) => ({
    ...bounded(4 * windowOf(recipe)),
    inputs: [seedsTopic(recipe), 'ledger', ...drawnTopics(recipe), ...steeringTopics(recipe)],
    stateful: true,
    operator: (context) => planning(recipe, parts, context),
  }),

  reason: (recipe, parts) => ({
    ...bounded(2 * windowOf(recipe)),
    inputs: ['plans', 'ledger'],
    journaled: true,
    stateful: true,
    operator: (context) => reasoning(recipe, parts, context, windowOf(recipe)),
  }),

  draft: (recipe, parts) => ({
    ...bounded(2 * windowOf(recipe)),
    inputs: [reasonerOf(recipe) === undefined ? 'plans' : 'reasoned'],
    journaled: true,
    stateful: writesGroups(recipe),
    // A group is written when all of it is there, however long its plans are.
    ...(writesGroups(recipe) ? { creditBytes: (64 + 2 * recipe.steps.draft.group) * 2 ** 20 } : {}),
    operator: (context) => drafting(recipe, parts, context),
  }),

  refine: (recipe, parts) => ({
    ...bounded(2 * windowOf(recipe)),
    inputs: ['drafts'],
    journaled: true,
    operator: (context) => refining(recipe, parts, context),
  }),

  align: (recipe, parts) => ({
    ...bounded(Math.max(leastHeld, 8 * windowOf(recipe))),
    creditBytes: 2 ** 30,
    inputs: [seedsTopic(recipe), 'refined', 'ledger', ...comparedTopics(recipe)],
    stateful: true,
    tellsCorrections: recipe.steps.steer !== 'off',
    operator: (context) => aligning(recipe, parts, context),
  }),

  judge: (recipe, parts) => ({
    ...bounded(2 * windowOf(recipe)),
    inputs: ['samples', ...realTopics(recipe)],
    journaled: true,
    stateful: true,
    operator: (context) => judging(recipe, parts, context),
  }),

  shard: ({ shards, domain }, { shardDir, embedder }) => ({
    ...bounded(2 * shards.rows),
    // A message has its embedding as base64, whether the shard has it or not.
    creditBytes: 4 * shards.bytes + 6 * shards.rows * (embedder?.dimensions ?? 0),
    inputs: ['samples', 'corrections', 'ticks'],
    stateful: true,
    ticksTo: 'shards',
    gatheredIn: gatheredTopics,
    operator: ({ partition, memory, positionOf }) => {
      const dimensions = shards.embeddings ? needed(embedder, 'embed').dimensions : null;
      const { format, compression, rows, bytes } = shards;
      const writing = shard({
        dir: shardDir,
        lane: partition,
        domain,
        dimensions,
        format,
        compression,
        rows,
        bytes,
        memory,
        positionOf,
      });
      return onKinds(['sample', 'correction', 'tick'], writing);
    },
  }),

  manifest: (_, { shardDir }) => ({
    ...bounded(64),
    inputs: ['shards'],
    operator: () => onKinds(['shard', 'tick'], manifest({ dir: shardDir })),
  }),
};

/** Texts that `align` can hold for one before them: more than a planner with another window may have left outstanding. */
const leastHeld = 4096;

/** The stages of a recipe, in the order of the river. */
export function stagesOf(
  recipe: Recipe,
  parts: RiverParts,
  names: readonly StageName[] = runnableStages,
): readonly Stage[] {
  return names.flatMap((name) => {
    if (name === 'intake') return intakeStages(recipe, parts.intake);
    return isRun(name, recipe) ? [{ ...table[name](recipe, parts), name }] : [];
  });
}

function isRun(name: StageName, recipe: Recipe): boolean {
  if (name === 'reason') return reasonerOf(recipe) !== undefined;
  return name !== 'judge' || judgeOf(recipe) !== undefined;
}

/** The topic that the planner reads seeds and targets from. */
export function seedsTopic({ inputs }: Recipe): string {
  return ownTopic(inputs.seeds) ?? 'seeds';
}

/** The topic of the real stream: none where there is none, or nothing compares with it. */
export function realTopics(recipe: Recipe): readonly string[] {
  const { inputs } = recipe;
  if (inputs.real === undefined || !(compares(recipe) || judgeOf(recipe) !== undefined)) return [];
  return [ownTopic(inputs.real) ?? 'real'];
}

/** The same, as far as `align` compares samples with it. */
function comparedTopics(recipe: Recipe): readonly string[] {
  return compares(recipe) ? realTopics(recipe) : [];
}

function bounded(credit: number): Pick<Stage, 'name' | 'credit' | 'journaled' | 'stateful'> {
  return { name: '', credit: Math.max(64, credit), journaled: false, stateful: false };
}
