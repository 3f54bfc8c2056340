import { z } from 'zod';

import { domain } from './domain.js';
import { foreignTopic } from './foreign-topic.js';
import { bytes, time } from './quantity.js';
import { environmentVariable } from './secret.js';
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

const sampling = {
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().gt(0).max(1).optional(),
  topK: z.int().nonnegative().optional(),
  minP: z.number().min(0).max(1).optional(),
  maxTokens: z.int().positive().optional(),
};

/** Any server with OpenAI's HTTP interface: vLLM, SGLang, llama.cpp, Ollama, OpenAI. */
const openaiModel = z.strictObject({
  engine: z.literal('openai'),
  url: z.url({ protocol: /^https?$/ }),
  model: z.string().min(1),
  /** `$NAME` of the environment variable that holds the key. */
  key: environmentVariable().optional(),
  maxInFlight: z.int().positive().default(64),
  timeoutMs: z.int().positive().default(300_000),
  retries: z.int().nonnegative().default(8),
  /** US dollars for a million tokens; without it the cost is unknown. */
  price: z.strictObject({ input: z.number().nonnegative(), output: z.number().nonnegative() }).optional(),
  /** Whose field carries a grammar, so that answers keep to it; without it grammars are not sent. */
  grammar: z.enum(['llama.cpp', 'vllm']).optional(),
  ...sampling,
});

/** llama.cpp in this process. */
const llamaModel = z.strictObject({
  engine: z.literal('llama'),
  /** A name of the catalogue, or a path of a GGUF file. */
  model: z.string().min(1),
  /** Sequences that are decoded together. */
  sequences: z.int().positive().max(64).optional(),
  /** Tokens of prompt and answer of one sequence. */
  contextSize: z.int().positive().optional(),
  threads: z.int().positive().optional(),
  gpu: z.boolean().default(false),
  ...sampling,
});

/** Answers from a journal: no model is asked. */
const replayModel = z.strictObject({ engine: z.literal('replay'), journal: z.string().min(1), ...sampling });

const languageModel = z.discriminatedUnion('engine', [openaiModel, llamaModel, replayModel]);

/** A static table of word vectors: the catalogue's, or a safetensors file with its tokenizer beside the recipe. */
const staticEmbedder = z
  .strictObject({
    engine: z.literal('static'),
    weights: z.string().min(1).optional(),
    tokenizer: z.string().min(1).optional(),
  })
  .refine(({ weights, tokenizer }) => (weights === undefined) === (tokenizer === undefined), {
    message: 'expected weights and tokenizer together',
  });

const embedder = z.discriminatedUnion('engine', [staticEmbedder]);

const draftStep = z.strictObject({
  /** Seeds shown to the base model. */
  examples: z.int().min(1).default(3),
  /** Model calls for one plan before it is dropped. */
  attempts: z.int().min(1).max(10).default(3),
});

const refineStep = z.strictObject({
  /** `edit`: examples and the paper's instruction; `copy-edit`: no examples, a grammar, for tiny models. */
  style: z.enum(['edit', 'copy-edit']).optional(),
  attempts: z.int().min(1).max(10).default(2),
  /** The draft is kept where the edit's cosine to it is lower. */
  minCosine: z.number().min(-1).max(1).default(0.7),
  /** The draft is kept where the edit is shorter than this share of it. */
  minLengthRatio: z.number().min(0).max(1).default(0.6),
});

const gateStep = z.strictObject({
  /** Word 5-gram containment from which a text counts as a copy of a seed. */
  seedOverlap: z.number().gt(0).max(1).default(0.6),
});

const rollingMmdStep = z.strictObject({
  /** Records in each of the two windows. */
  window: z.int().min(8).max(100_000).default(512),
  /** Random Fourier frequencies. */
  frequencies: z.int().min(16).max(4096).default(512),
  /** Accepted samples between two corrections. */
  every: z.int().positive().default(8),
});

/** A pipeline: what to write, from what, with which models, how many, and where it goes. */
export const recipe = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and -'),
  domain,
  inputs: z.strictObject({ seeds: input, real: input.optional(), documents: input.optional() }),
  models: z.strictObject({
    base: languageModel,
    instruct: languageModel.optional(),
    embed: embedder.prefault({ engine: 'static' }),
  }),
  method: z.enum(['bare']).default('bare'),
  steps: z
    .strictObject({
      draft: draftStep.prefault({}),
      refine: z.union([z.literal('off'), z.literal(false).transform(() => 'off' as const), refineStep]).prefault({}),
      gate: gateStep.prefault({}),
      rollingMmd: z
        .union([z.literal('off'), z.literal(false).transform(() => 'off' as const), rollingMmdStep])
        .prefault({}),
    })
    .prefault({}),
  target: z.union([z.strictObject({ samples: z.int().positive() }), z.strictObject({ endless: z.literal(true) })]),
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

export type Recipe = Readonly<z.infer<typeof recipe>>;
export type LanguageModelConfig = Readonly<z.infer<typeof languageModel>>;
export type OpenaiConfig = Readonly<z.infer<typeof openaiModel>>;
export type LlamaConfig = Readonly<z.infer<typeof llamaModel>>;
export type EmbedderConfig = Readonly<z.infer<typeof embedder>>;
export type InputConfig = Readonly<z.infer<typeof input>>;
export type LogTopicsConfig = Readonly<z.infer<typeof logTopics>>;
export type KafkaTopicsConfig = Readonly<z.infer<typeof kafkaTopics>>;
export type ForeignTopicConfig = Readonly<z.infer<typeof foreignTopic>>;

/** Whether an input is a topic that others write, and so is not one of the pipeline's own. */
export function isForeignTopic(input: InputConfig | undefined): input is ForeignTopicConfig {
  return typeof input === 'object' && 'map' in input && input.map !== undefined;
}
