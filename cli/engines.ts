import { resolve } from 'node:path';

import { catalogue } from '../engines/models/catalogue.js';
import { type PulledModel, type PullProgress, pull } from '../engines/models/pull.js';
import { openai } from '../engines/openai/openai.js';
import { checked } from '../engines/openai/options.js';
import { reach } from '../engines/openai/reach.js';
import { replay } from '../engines/replay.js';
import { staticEmbedder } from '../engines/static/static-embedder.js';
import type { Embedder } from '../operators/embedder.js';
import type { LanguageModel } from '../operators/language-model.js';
import { HeadwaterError } from '../schemas/errors.js';
import type { EmbedderConfig, LanguageModelConfig, LlamaConfig, OpenaiConfig } from '../schemas/models-config.js';
import type { Recipe } from '../schemas/recipe.js';
import { defaultSequences } from '../streams/river/planning.js';
import type { StageName } from '../streams/river/stages.js';

export interface EngineContext {
  /** The folder that paths in the recipe are relative to. */
  readonly base: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly progress: (progress: PullProgress) => void;
  /** Told of each model that was fetched or found: for its licence and notes. */
  readonly pulled: (model: PulledModel) => void;
}

/** Those engines that the stages of this process ask. */
export interface Engines {
  readonly base: LanguageModel | undefined;
  readonly instruct: LanguageModel | undefined;
  readonly embedder: Embedder | undefined;
  close(): Promise<void>;
}

/** The catalogue's name of the static embedder. */
const staticModel = 'wordllama-256';

const embeddingStages: readonly StageName[] = ['refine', 'align', 'shard'];

/** Fetches what model files are missing, and opens the engines that the stages need. */
export async function openEngines(
  { models, steps }: Recipe,
  stages: readonly StageName[],
  context: EngineContext,
): Promise<Engines> {
  const drafter = stages.includes('draft') ? models.base : undefined;
  const refiner = stages.includes('refine') && steps.refine !== 'off' ? models.instruct : undefined;
  const embeds = stages.some((stage) => embeddingStages.includes(stage));
  const files = await pullAll(
    [drafter, refiner].filter((model) => model !== undefined),
    embeds && models.embed.weights === undefined,
    context,
  );
  const opening = [
    embeds ? openEmbedder(models.embed, files, context.base) : undefined,
    drafter && openModel('base', drafter, files, context),
    refiner && openModel('instruct', refiner, files, context),
  ] as const;
  // One that fails does not leave the others open, even those that take longer to open.
  const close = async () => {
    for (const engine of await Promise.allSettled(opening))
      if (engine.status === 'fulfilled') await engine.value?.close();
  };
  try {
    const [embedder, base, instruct] = await Promise.all(opening);
    return { embedder, base, instruct, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One after another, so that the progress is that of one file. */
async function pullAll(
  models: readonly LanguageModelConfig[],
  staticVectors: boolean,
  context: EngineContext,
): Promise<ReadonlyMap<string, PulledModel>> {
  const names = models.flatMap((model) => (model.engine === 'llama' && inCatalogue(model.model) ? [model.model] : []));
  const files = new Map<string, PulledModel>();
  for (const name of new Set(staticVectors ? [...names, staticModel] : names)) {
    const model = await pull(name, { signal: context.signal, onProgress: context.progress });
    context.pulled(model);
    files.set(name, model);
  }
  return files;
}

async function openEmbedder(
  { weights, tokenizer }: EmbedderConfig,
  files: ReadonlyMap<string, PulledModel>,
  base: string,
): Promise<Embedder> {
  if (weights !== undefined && tokenizer !== undefined) {
    return staticEmbedder({ weights: resolve(base, weights), tokenizer: resolve(base, tokenizer) });
  }
  const [pulledWeights = '', pulledTokenizer = ''] = files.get(staticModel)?.files.values() ?? [];
  return staticEmbedder({ weights: pulledWeights, tokenizer: pulledTokenizer });
}

async function openModel(
  role: string,
  config: LanguageModelConfig,
  files: ReadonlyMap<string, PulledModel>,
  context: EngineContext,
): Promise<LanguageModel> {
  try {
    return await openEngine(config, files, context);
  } catch (cause) {
    // An option that an engine refuses came from the recipe.
    if (!(cause instanceof TypeError)) throw cause;
    throw new HeadwaterError('recipe-invalid', `models.${role}: ${cause.message}`, { cause });
  }
}

async function openEngine(
  config: LanguageModelConfig,
  files: ReadonlyMap<string, PulledModel>,
  { base, environment, signal }: EngineContext,
): Promise<LanguageModel> {
  switch (config.engine) {
    case 'openai': {
      const options = openaiOptions(config, environment);
      checked(options);
      // A wrong URL is found before plans wait for it.
      await reach(config.url, signal);
      return openai(options);
    }
    case 'llama': {
      const { llama } = await import('../engines/llama/llama.js');
      return llama({ ...llamaOptions(config), file: modelFile(config, files, base) });
    }
    case 'replay':
      return replay({ file: resolve(base, config.journal) });
  }
}

function openaiOptions(config: OpenaiConfig, environment: EngineContext['environment']) {
  const { url, model, maxInFlight, timeoutMs, retries, price, grammar } = config;
  return {
    url,
    model,
    maxInFlight,
    timeoutMs,
    retries,
    ...(price === undefined ? {} : { price }),
    ...(grammar === undefined ? {} : { grammar }),
    ...keyOf(config, environment),
  };
}

function keyOf({ key }: OpenaiConfig, environment: EngineContext['environment']): { readonly key?: string } {
  if (key === undefined) return {};
  const name = key.slice(1);
  const secret = environment[name];
  if (secret) return { key: secret };
  throw new HeadwaterError(
    'environment-missing',
    `the recipe takes a key from ${key}: set the environment variable ${name}`,
  );
}

function llamaOptions({ model, sequences = defaultSequences, contextSize, threads, gpu }: LlamaConfig) {
  return {
    name: model,
    sequences,
    gpu,
    ...(contextSize === undefined ? {} : { contextSize }),
    ...(threads === undefined ? {} : { threads }),
  };
}

function modelFile({ model }: LlamaConfig, files: ReadonlyMap<string, PulledModel>, base: string): string {
  const [file] = files.get(model)?.files.values() ?? [];
  return file ?? resolve(base, model);
}

function inCatalogue(model: string): boolean {
  return catalogue.some(({ name }) => name === model);
}
