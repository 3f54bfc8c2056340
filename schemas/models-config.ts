import { z } from 'zod';

import { environmentVariable } from './secret.js';

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

/** What writes. */
export const languageModel = z.discriminatedUnion('engine', [openaiModel, llamaModel, replayModel]);

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

/** What turns texts into vectors. */
export const embedder = z.discriminatedUnion('engine', [staticEmbedder]);

export type LanguageModelConfig = Readonly<z.infer<typeof languageModel>>;
export type OpenaiConfig = Readonly<z.infer<typeof openaiModel>>;
export type LlamaConfig = Readonly<z.infer<typeof llamaModel>>;
export type EmbedderConfig = Readonly<z.infer<typeof embedder>>;
