import { z } from 'zod';

import { domain } from './domain.js';
import { foreignTopic } from './foreign-topic.js';
import { embedder, languageModel } from './models-config.js';
import { amount, bytes, time } from './quantity.js';
import { judgeStep, measureStep, rollingMmdStep } from './steps/alignment.js';
import { decontaminateStep, dedupeStep, gateStep } from './steps/hygiene.js';
import { alignStep, exploreStep, type ReasonStep, reasonStep, steerStep } from './steps/synalign.js';
import { draftStep, refineStep } from './steps/writing.js';
import { kafkaTopics, logTopics } from './topics-config.js';

/** Keys of a foreign topic are named as such, or a mistake in one would read as a key too many here. */
const foreign = z.never().optional();
const ownTopic = z.strictObject({
  topic: z.string().min(1),
  map: foreign,
  format: foreign,
  registry: foreign,
  from: foreign,
});

/** Where an input comes from: a file or glob beside the recipe, a topic of ours or of others, or a module that yields objects. */
const input = z.union([z.string().min(1), ownTopic, z.strictObject({ module: z.string().min(1) }), foreignTopic]);

/** What the models of all runs on a data folder may come to: then the run stops, and goes on with a larger one. */
const runBudget = z
  .strictObject({ tokens: amount.optional(), usd: z.number().positive().optional() })
  .refine(({ tokens, usd }) => tokens !== undefined || usd !== undefined, { message: 'expected tokens, usd, or both' });

/** A step that can be switched off: YAML reads `off` as a text or as false. */
function orOff<Step extends z.ZodType>(step: Step) {
  return z.union([z.literal('off'), z.literal(false).transform(() => 'off' as const), step]);
}

/** What a recipe file says. */
const written = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and -'),
  domain,
  inputs: z.strictObject({
    seeds: input,
    real: input.optional(),
    documents: input.optional(),
    drafts: input.optional(),
  }),
  models: z.strictObject({
    /** Of the way `base` alone. */
    base: languageModel.optional(),
    instruct: languageModel.optional(),
    /** Answers the step `judge`; default: instruct. */
    judge: languageModel.optional(),
    embed: embedder.prefault({ engine: 'static' }),
  }),
  /** `bare`: a base model drafts, an instruct model refines; `synalign`: and real records are explored, reasoned about and aligned with. */
  method: z.enum(['bare', 'synalign']).default('bare'),
  steps: z
    .strictObject({
      draft: draftStep.prefault({}),
      refine: orOff(refineStep).prefault({}),
      gate: gateStep.prefault({}),
      dedupe: dedupeStep.prefault({}),
      decontaminate: decontaminateStep.default('off'),
      rollingMmd: orOff(rollingMmdStep).prefault({}),
      measure: orOff(measureStep).prefault({}),
      judge: orOff(judgeStep).default('off'),
      /** These four: on with the method `synalign`, off with `bare`, each as long as the recipe does not say. */
      explore: orOff(exploreStep).optional(),
      reason: orOff(reasonStep).optional(),
      align: orOff(alignStep).optional(),
      /** On where `explore` and `rollingMmd` are. */
      steer: orOff(steerStep).optional(),
    })
    .prefault({}),
  target: z.union([
    z.strictObject({ samples: z.int().positive(), budget: runBudget.optional() }),
    z.strictObject({ endless: z.literal(true), budget: runBudget.optional() }),
    z.strictObject({ budget: runBudget }),
  ]),
  /** Plans outstanding at once in a lane. */
  window: z.int().positive().max(100_000).optional(),
  shards: z
    .strictObject({
      dir: z.string().min(1).default('out'),
      format: z.enum(['parquet', 'arrow']).default('parquet'),
      encoder: z.enum(['columnar']).default('columnar'),
      compression: z.enum(['zstd', 'snappy', 'none']).default('zstd'),
      rows: z.int().positive().default(5000),
      bytes: bytes.default(64 * 2 ** 20),
      /** Closes a shard that has rows when this much time has passed. */
      every: time.optional(),
      embeddings: z.boolean().default(true),
    })
    .prefault({}),
  topics: z.discriminatedUnion('kind', [logTopics, kafkaTopics]).prefault({}),
  /** All randomness. */
  seed: z
    .int()
    .nonnegative()
    .max(2 ** 32 - 1)
    .default(7),
});

/** A pipeline: what to write, from what, with which models, how many, and where it goes. */
export const recipe = written.transform((said) => ({ ...said, steps: { ...said.steps, ...methodSteps(said) } }));

/** The steps that a method switches on, where the recipe does not say, and who is asked: plain values from here on. */
function methodSteps({ method, models, steps }: z.infer<typeof written>) {
  const isOn = method === 'synalign';
  const explore = steps.explore ?? (isOn ? exploreStep.parse({}) : 'off');
  const reason = steps.reason ?? (isOn ? reasonStep.parse({}) : 'off');
  const canSteer = isOn && explore !== 'off' && steps.rollingMmd !== 'off';
  return {
    explore,
    reason: reason === 'off' ? reason : { ...reason, ...askedBy(reason, models) },
    align: steps.align ?? (isOn ? alignStep.parse({}) : 'off'),
    steer: steps.steer ?? (canSteer ? steerStep.parse({}) : 'off'),
  } as const;
}

/** Who reasons, and how it is asked: base models and embedded ones, which are tiny, continue lines. */
function askedBy({ role: named, answer }: ReasonStep, models: z.infer<typeof written>['models']) {
  const role = named ?? (models.instruct === undefined && models.base !== undefined ? 'base' : 'instruct');
  const isPlain = role === 'base' || models[role]?.engine === 'llama';
  return { role, answer: answer ?? (isPlain ? 'lines' : 'json') } as const;
}

export type Recipe = Readonly<z.infer<typeof recipe>>;
export type RunBudgetConfig = Readonly<z.infer<typeof runBudget>>;
export type InputConfig = Readonly<z.infer<typeof input>>;
export type LogTopicsConfig = Readonly<z.infer<typeof logTopics>>;
export type KafkaTopicsConfig = Readonly<z.infer<typeof kafkaTopics>>;
export type ForeignTopicConfig = Readonly<z.infer<typeof foreignTopic>>;

/** Whether an input is a topic that others write, and so is not one of the pipeline's own. */
export function isForeignTopic(input: InputConfig | undefined): input is ForeignTopicConfig {
  return typeof input === 'object' && 'map' in input && input.map !== undefined;
}
