import { z } from 'zod';

import { domain } from './domain.js';

const byteUnits = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, KB: 1e3, MB: 1e6, GB: 1e9 } as const;
const timeUnits = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 } as const;

const bytes = quantity(byteUnits, '64MiB');
const time = quantity(timeUnits, '30s');

/** Where an input comes from: a file or glob beside the recipe, a topic, or a module that yields objects. */
const input = z.union([
  z.string().min(1),
  z.strictObject({ topic: z.string().min(1) }),
  z.strictObject({ module: z.string().min(1) }),
]);

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
  key: z
    .string()
    .regex(/^\$[A-Za-z_][A-Za-z0-9_]*$/, 'expected $NAME of an environment variable')
    .optional(),
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
  topics: z
    .strictObject({
      kind: z.enum(['log']).default('log'),
      dir: z.string().min(1).optional(),
      partitions: z.int().positive().max(1024).default(1),
      retention: z.strictObject({ bytes: bytes.optional(), age: time.optional() }).optional(),
    })
    .prefault({}),
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

/** A number, or a number with a unit such as `64MiB`; the number comes out in the smallest unit. */
function quantity(units: Readonly<Record<string, number>>, example: string) {
  const expected = `expected a number with a unit, such as ${example}`;
  const pattern = new RegExp(`^(\\d+(?:\\.\\d+)?)\\s*(${Object.keys(units).join('|')})$`);
  return z.union([z.number().positive(), z.string().regex(pattern, expected)]).transform((value) => {
    if (typeof value === 'number') return value;
    const [, digits = '0', unit = ''] = pattern.exec(value) ?? [];
    return Math.round(Number(digits) * (units[unit] ?? 1));
  });
}
