import { z } from 'zod';

import { amount, time } from './quantity.js';
import { environmentVariable } from './secret.js';

/** Of a timer, in milliseconds. */
const longestMs = 2 ** 31 - 1;
const mostInFlight = 65_536;
const retries = z.int().nonnegative().max(1000);
const timerMs = time.pipe(z.number().max(longestMs, 'expected at most 24 days'));

const sampling = {
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().gt(0).max(1).optional(),
  topK: z.int().nonnegative().optional(),
  minP: z.number().min(0).max(1).optional(),
  maxTokens: z.int().positive().optional(),
};

/** US dollars for a million tokens, in place of the public price of the host; where neither is known, so is no cost. */
const price = z.strictObject({
  input: z.number().nonnegative(),
  /** Of prompt tokens that the server had in its cache. @default as `input` */
  cachedInput: z.number().nonnegative().optional(),
  output: z.number().nonnegative(),
});

/** What this process may ask of a model in a minute. */
const minuteBudget = z
  .strictObject({
    requestsPerMinute: z.int().positive().optional(),
    tokensPerMinute: amount.optional(),
  })
  .refine(
    ({ requestsPerMinute, tokensPerMinute }) => requestsPerMinute !== undefined || tokensPerMinute !== undefined,
    {
      message: 'expected requestsPerMinute, tokensPerMinute, or both',
    },
  );

/** What to do when an endpoint answers as another model than before. */
const onModelChange = z.enum(['warn', 'stop']).default('warn');

const endpointUrl = z
  .url({ protocol: /^https?$/ })
  .refine((url) => !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === ''), {
    message: 'expected no user or password in it: give it as key',
  });

/** Requests that are open at once at each endpoint: found out, from `min` to `max`, or always `max`. */
const limit = z
  .strictObject({
    kind: z.enum(['adaptive', 'fixed']),
    min: z.int().positive().optional(),
    /** @default maxInFlight */
    max: z.int().positive().max(mostInFlight).optional(),
  })
  .refine(({ min = 1, max = min }) => min <= max, { message: 'expected min to be at most max' });

/** A second copy of requests that take longer than a quantile of their kind, or than so many milliseconds. */
const hedge = z.strictObject({
  after: z.union([
    z.int().positive().max(longestMs),
    z.string().regex(/^p\d{2}(\.\d+)?$/, 'expected a quantile, such as p95'),
  ]),
  /** Of all requests, at most. */
  share: z.number().gt(0).max(1).default(0.05),
});

/** Any server with OpenAI's HTTP interface: vLLM, SGLang, llama.cpp, Ollama, OpenAI. */
const openaiModel = z
  .strictObject({
    engine: z.literal('openai'),
    /** The base of the API; or a list of several that serve the same model. */
    url: z.union([endpointUrl, z.array(endpointUrl).nonempty('expected at least one address')]),
    model: z.string().min(1),
    /** `$NAME` of the environment variable that holds the key. */
    key: environmentVariable().optional(),
    maxInFlight: z.int().positive().max(mostInFlight).default(64),
    timeoutMs: z.int().positive().max(longestMs).default(300_000),
    retries: retries.default(8),
    limit: limit.optional(),
    hedge: hedge.optional(),
    /** `adaptive` sends a request again when its answer has not begun long after others did; `timeout` waits for `timeoutMs`. */
    patience: z.enum(['adaptive', 'timeout']).default('adaptive'),
    price: price.optional(),
    budget: minuteBudget.optional(),
    onModelChange,
    /** Whose field carries a grammar, so that answers keep to it; without it grammars are not sent. */
    grammar: z.enum(['llama.cpp', 'vllm']).optional(),
    ...sampling,
  })
  .refine(({ limit, maxInFlight }) => (limit?.min ?? 1) <= maxInFlight, {
    path: ['limit', 'min'],
    message: 'expected at most maxInFlight',
  });

/** OpenAI's batch interface: answers within a day, at half the price. */
const openaiBatchModel = z.strictObject({
  engine: z.literal('openai-batch'),
  url: endpointUrl,
  model: z.string().min(1),
  /** `$NAME` of the environment variable that holds the key. */
  key: environmentVariable().optional(),
  /** Requests that wait for their answers at once. */
  maxInFlight: z.int().positive().max(1_000_000).default(10_000),
  /** Requests of a batch: so many are sent together, at the latest. */
  requests: z.int().positive().max(50_000).default(5000),
  /** A pause without a new request after which what is gathered is sent. */
  pause: timerMs.default(5000),
  /** Time between two looks at a batch. */
  poll: timerMs.default(30_000),
  /** How often a request without an answer is put into another batch. */
  retries: retries.default(3),
  /** What is paid in a batch; no discount is taken off it. */
  price: price.optional(),
  onModelChange,
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
export const languageModel = z.discriminatedUnion('engine', [openaiModel, openaiBatchModel, llamaModel, replayModel]);

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
export type OpenaiBatchConfig = Readonly<z.infer<typeof openaiBatchModel>>;
export type LlamaConfig = Readonly<z.infer<typeof llamaModel>>;
export type EmbedderConfig = Readonly<z.infer<typeof embedder>>;
