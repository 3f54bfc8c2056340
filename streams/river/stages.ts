import type { OperatorFunction } from 'rxjs';

import { draft } from '../../operators/bare/draft.js';
import { plan } from '../../operators/bare/plan.js';
import { refine } from '../../operators/bare/refine.js';
import { unrefined } from '../../operators/bare/unrefined.js';
import type { Embedder } from '../../operators/embedder.js';
import { chain } from '../../operators/flow/chain.js';
import { inPlanOrder } from '../../operators/flow/in-plan-order.js';
import type { Outcome } from '../../operators/flow/outcome.js';
import { quota } from '../../operators/flow/quota.js';
import { scoped } from '../../operators/flow/scoped.js';
import { surplusAfter } from '../../operators/flow/surplus-after.js';
import type { Journal } from '../../operators/journal.js';
import type { LanguageModel } from '../../operators/language-model.js';
import { type Meter, silent } from '../../operators/meter.js';
import { gate } from '../../operators/quality/gate.js';
import { embed } from '../../operators/synalign/embed.js';
import { rollingMmd } from '../../operators/synalign/rolling-mmd.js';
import type { AnyRecord } from '../../schemas/codec.js';
import type { LanguageModelConfig, Recipe } from '../../schemas/recipe.js';
import { type IntakeParts, intakeStages } from '../intake/intake-stages.js';
import { manifest } from '../shards/manifest.js';
import { shard } from '../shards/shard.js';
import { onKinds } from '../stage/on-kinds.js';
import type { Stage, StageContext } from '../stage/stage.js';
import { gatheredTopics, ownTopic } from './topics-of.js';

/** A language model whose answers go to the journal of the task that asks. */
export type JournaledModel = (journal: Journal) => LanguageModel;

/** What the stages need from outside. */
export interface RiverParts {
  /** Undefined where the stages of this process ask none. */
  readonly base: JournaledModel | undefined;
  readonly instruct: JournaledModel | undefined;
  readonly embedder: Embedder | undefined;
  readonly meter: Meter;
  /** The folder of the shards. */
  readonly shardDir: string;
  readonly intake: IntakeParts;
  /** Aborted when every lane has its samples: what is still on its way is surplus. */
  readonly complete: AbortSignal;
}

type Operator = OperatorFunction<AnyRecord, Outcome<AnyRecord, AnyRecord>>;
type StageOf = (recipe: Recipe, parts: RiverParts) => Stage;

/** The names of the stages that every river has, in its order. */
export const stageNames = ['plan', 'draft', 'refine', 'align', 'shard', 'manifest'] as const;
/** What a worker can be told to run; `intake` stands for a stage for each input that is a topic of others. */
export const runnableStages = ['intake', ...stageNames] as const;
export type StageName = (typeof runnableStages)[number];

/** Every stage of the river: an operator goes in by a line here. */
const table: Readonly<Record<(typeof stageNames)[number], StageOf>> = {
  plan: (recipe) => ({
    ...bounded(4 * windowOf(recipe)),
    inputs: [seedsTopic(recipe), 'ledger'],
    stateful: true,
    operator: ({ partition, memory }) => {
      const { domain, seed, steps } = recipe;
      const lane = { domain, lane: partition, window: windowOf(recipe), examples: steps.draft.examples, seed };
      return onKinds(['seed', 'tick', 'ledger-entry'], plan({ ...lane, memory }));
    },
  }),

  draft: (recipe, { base, meter, complete }) => ({
    ...bounded(2 * windowOf(recipe)),
    inputs: ['plans'],
    journaled: true,
    operator: ({ journal }) => {
      const { domain, models, steps } = recipe;
      const model = needed(base, 'base')(journal);
      const drafting = draft({ model, domain, attempts: steps.draft.attempts, sampling: models.base, meter });
      return onKinds(['plan'], surplusAfter(complete)(drafting));
    },
  }),

  refine: (recipe, { instruct, embedder, meter, complete }) => ({
    ...bounded(2 * windowOf(recipe)),
    inputs: ['drafts'],
    journaled: true,
    operator: ({ journal }) => {
      const { domain, models, steps } = recipe;
      if (steps.refine === 'off' || models.instruct === undefined) return onKinds(['draft'], unrefined());
      const model = needed(instruct, 'instruct')(journal);
      const style = steps.refine.style ?? styleFor(models.instruct);
      const refining = refine({ ...steps.refine, style, model, domain, embedder, sampling: models.instruct, meter });
      return onKinds(['draft'], surplusAfter(complete)(refining));
    },
  }),

  align: (recipe, parts) => ({
    ...bounded(Math.max(leastHeld, 8 * windowOf(recipe))),
    creditBytes: 2 ** 30,
    inputs: [seedsTopic(recipe), 'refined', 'ledger', ...realTopics(recipe)],
    stateful: true,
    operator: (context) => aligned(recipe, parts, context),
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
  return names.flatMap((name) =>
    name === 'intake' ? intakeStages(recipe, parts.intake) : [{ ...table[name](recipe, parts), name }],
  );
}

/** Parts for those who only ask how the stages are laid out. */
export const idleParts: RiverParts = {
  base: undefined,
  instruct: undefined,
  embedder: undefined,
  meter: silent,
  shardDir: '',
  intake: { registryPassword: () => Promise.reject(new TypeError('these stages are not to run')) },
  complete: new AbortController().signal,
};

/** Plans outstanding in a lane: twice what the base model works on, so that it never waits for a plan. */
export function windowOf({ window, models }: Recipe): number {
  if (window !== undefined) return window;
  const { base } = models;
  if (base.engine === 'llama') return 2 * (base.sequences ?? defaultSequences);
  return base.engine === 'openai' ? 2 * base.maxInFlight : 64;
}

/** Sequences that llama.cpp decodes together where the recipe does not say. */
export const defaultSequences = 8;

/** The topic that the planner reads seeds and targets from. */
export function seedsTopic({ inputs }: Recipe): string {
  return ownTopic(inputs.seeds) ?? 'seeds';
}

/** The topic of the real stream: none where there is none, or nothing compares with it. */
export function realTopics({ inputs, steps }: Recipe): readonly string[] {
  if (inputs.real === undefined || steps.rollingMmd === 'off') return [];
  return [ownTopic(inputs.real) ?? 'real'];
}

/** A text is put in plan order, judged, counted, embedded, and compared with the real stream. */
function aligned(recipe: Recipe, { embedder, meter }: RiverParts, { partition: lane, memory }: StageContext): Operator {
  const { domain, steps, seed } = recipe;
  const embedding = embed({ embedder: needed(embedder, 'embed'), domain });
  const ordered = scoped('order', memory, (own) => inPlanOrder({ memory: own, lane }));
  const judged = scoped('gate', memory, (own) => gate<AnyRecord>({ ...steps.gate, domain, memory: own, meter }));
  const counted = scoped('quota', memory, (own) => quota({ memory: own, lane }));
  const { rollingMmd: mmd } = steps;
  if (mmd === 'off') return chain(ordered, judged, counted, embedding) as Operator;
  const compared = scoped('mmd', memory, (own) =>
    rollingMmd({ ...mmd, embedder: needed(embedder, 'embed'), lane, memory: own, seed }),
  );
  return chain(ordered, judged, counted, embedding, compared);
}

/** Tiny models copy-edit under a grammar; others are asked as BARE asks. */
function styleFor({ engine }: LanguageModelConfig): 'edit' | 'copy-edit' {
  return engine === 'llama' ? 'copy-edit' : 'edit';
}

function bounded(credit: number): Pick<Stage, 'name' | 'credit' | 'journaled' | 'stateful'> {
  return { name: '', credit: Math.max(64, credit), journaled: false, stateful: false };
}

function needed<Part>(part: Part | undefined, name: string): Part {
  if (part === undefined) throw new TypeError(`the stages of this process need models.${name}`);
  return part;
}
