import { resolve } from 'node:path';

import { budgeted } from '../engines/budgeted.js';
import { catalogue } from '../engines/models/catalogue.js';
import { type PulledModel, type PullProgress, pull } from '../engines/models/pull.js';
import { type OpenaiModel, openai } from '../engines/openai/openai.js';
import { checked, type LimitOptions } from '../engines/openai/options.js';
import { reach, reachAny } from '../engines/openai/reach.js';
import { openaiBatch } from '../engines/openai-batch/openai-batch.js';
import { checkedBatch } from '../engines/openai-batch/options.js';
import type { Price } from '../engines/prices.js';
import { replay } from '../engines/replay.js';
import { sameModel } from '../engines/same-model.js';
import { staticEmbedder } from '../engines/static/static-embedder.js';
import type { Embedder } from '../operators/embedder.js';
import type { LanguageModel } from '../operators/language-model.js';
import { HeadwaterError } from '../schemas/errors.js';
import type {
  EmbedderConfig,
  LanguageModelConfig,
  LlamaConfig,
  OpenaiBatchConfig,
  OpenaiConfig,
} from '../schemas/models-config.js';
import type { Recipe } from '../schemas/recipe.js';
import type { EndpointReport } from '../schemas/worker-report.js';
import { drafterOf } from '../streams/river/drafter.js';
import { judgeOf, type ModelRole } from '../streams/river/judging.js';
import { defaultSequences } from '../streams/river/planning.js';
import { reasonerOf } from '../streams/river/reasoner.js';
import type { StageName } from '../streams/river/stages.js';
import { priceOf } from './recipe/price-of.js';

export interface EngineContext {
  /** The folder that paths in the recipe are relative to. */
  readonly base: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly progress: (progress: PullProgress) => void;
  /** Told of each model that was fetched or found: for its licence and notes. */
  readonly pulled: (model: PulledModel) => void;
  /** The name of the recipe. */
  readonly pipeline: string;
  /** Told when an endpoint answers as another model than before. */
  readonly modelChanged: (role: string, from: string, to: string) => void;
}

/** Those engines that the stages of this process ask. */
export interface Engines {
  readonly base: LanguageModel | undefined;
  readonly instruct: LanguageModel | undefined;
  /** The instruct model itself where the recipe names no judge. */
  readonly judge: LanguageModel | undefined;
  readonly embedder: Embedder | undefined;
  /** How those do that are asked over HTTP, one address at a time. */
  endpoints(): readonly EndpointReport[];
  close(): Promise<void>;
}

/** The catalogue's name of the static embedder. */
const staticModel = 'wordllama-256';

const embeddingStages: readonly StageName[] = ['refine', 'align', 'shard'];

/** Whether stages of this process embed: `plan` does where it explores. */
function needsEmbedder({ steps }: Recipe, stages: readonly StageName[]): boolean {
  if (stages.includes('plan') && steps.explore !== 'off') return true;
  return stages.some((stage) => embeddingStages.includes(stage));
}

/** What opening an engine needs, and who is told of those that are asked over HTTP. */
interface OpeningContext extends EngineContext {
  readonly opened: (role: string, model: OpenaiModel) => void;
}

/** Fetches what model files are missing, and opens the engines that the stages need. */
export async function openEngines(
  recipe: Recipe,
  stages: readonly StageName[],
  context: EngineContext,
): Promise<Engines> {
  const { models } = recipe;
  const asked = modelsAsked(recipe, stages);
  const [base, instruct, judge] = [asked.get('base'), asked.get('instruct'), asked.get('judge')];
  const embeds = needsEmbedder(recipe, stages);
  const files = await pullAll([...asked.values()], embeds && models.embed.weights === undefined, context);
  const overHttp = new Map<string, OpenaiModel>();
  const opened = { ...context, opened: (role: string, model: OpenaiModel) => overHttp.set(role, model) };
  const opening = [
    embeds ? openEmbedder(models.embed, files, context.base) : undefined,
    base && openModel('base', base, files, opened),
    instruct && openModel('instruct', instruct, files, opened),
    judge && openModel('judge', judge, files, opened),
  ] as const;
  // One that fails does not leave the others open, even those that take longer to open.
  const close = async () => {
    for (const engine of await Promise.allSettled(opening))
      if (engine.status === 'fulfilled') await engine.value?.close();
  };
  try {
    const [embedder, baseModel, instructModel, ownJudge] = await Promise.all(opening);
    const judging = stages.includes('judge') ? judgeOf(recipe) : undefined;
    const judgeModel = judging?.role === 'instruct' ? instructModel : ownJudge;
    const endpoints = () =>
      [...overHttp].flatMap(([role, model]) => model.endpoints().map((endpoint) => ({ role, ...endpoint })));
    return { embedder, base: baseModel, instruct: instructModel, judge: judgeModel, endpoints, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The models that the stages of this process ask, by role. */
function modelsAsked(recipe: Recipe, stages: readonly StageName[]): ReadonlyMap<ModelRole, LanguageModelConfig> {
  const asked = new Map<ModelRole, LanguageModelConfig>();
  const drafter = stages.includes('draft') ? drafterOf(recipe) : undefined;
  if (drafter !== undefined) asked.set(drafter.role, drafter.model);
  const reasoner = stages.includes('reason') ? reasonerOf(recipe) : undefined;
  if (reasoner !== undefined) asked.set(reasoner.role, reasoner.model);
  const { models, steps } = recipe;
  if (stages.includes('refine') && steps.refine !== 'off' && models.instruct !== undefined)
    asked.set('instruct', models.instruct);
  const judging = stages.includes('judge') ? judgeOf(recipe) : undefined;
  if (judging !== undefined) asked.set(judging.role, judging.model);
  return asked;
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
  context: OpeningContext,
): Promise<LanguageModel> {
  try {
    return watched(role, config, await openEngine(role, config, files, context), context);
  } catch (cause) {
    // An option that an engine refuses came from the recipe.
    if (!(cause instanceof TypeError)) throw cause;
    throw new HeadwaterError('recipe-invalid', `models.${role}: ${cause.message}`, { cause });
  }
}

/** Within its minute's budget, and with a look at who answers. */
function watched(
  role: string,
  config: LanguageModelConfig,
  model: LanguageModel,
  { modelChanged }: EngineContext,
): LanguageModel {
  const paced = 'budget' in config && config.budget !== undefined ? budgeted(model, config.budget) : model;
  if (!('onModelChange' in config)) return paced;
  const changed = (from: string, to: string) => modelChanged(role, from, to);
  return sameModel(paced, { changed, stop: config.onModelChange === 'stop' });
}

async function openEngine(
  role: string,
  config: LanguageModelConfig,
  files: ReadonlyMap<string, PulledModel>,
  { base, environment, signal, pipeline, opened }: OpeningContext,
): Promise<LanguageModel> {
  switch (config.engine) {
    case 'openai': {
      const options = openaiOptions(config, environment);
      checked(options);
      // A wrong URL is found before plans wait for it.
      await reachAny([config.url].flat(), signal);
      const model = openai(options);
      opened(role, model);
      return model;
    }
    case 'openai-batch': {
      const options = { ...batchOptions(config), pipeline, ...keyOf(config, environment) };
      checkedBatch(options);
      await reach(config.url, signal);
      return openaiBatch(options);
    }
    case 'llama': {
      const { llama } = await import('../engines/llama/llama.js');
      return llama({ ...llamaOptions(config), file: modelFile(config, files, base) });
    }
    case 'replay':
      return replay({ file: resolve(base, config.journal) });
  }
}

function batchOptions(config: OpenaiBatchConfig) {
  const { url, model, maxInFlight, requests, pause, poll, retries } = config;
  return { url, model, maxInFlight, requests, pauseMs: pause, pollMs: poll, retries, ...pricing(config) };
}

/** The recipe's price, or the public one. */
function pricing(config: LanguageModelConfig): { readonly price?: Price } {
  const price = priceOf(config);
  return price === undefined ? {} : { price };
}

function openaiOptions(config: OpenaiConfig, environment: EngineContext['environment']) {
  const { url, model, maxInFlight, timeoutMs, retries, limit, hedge, patience, grammar } = config;
  return {
    url,
    model,
    maxInFlight,
    timeoutMs,
    retries,
    patience,
    ...(limit === undefined ? {} : { limit: limitOf(limit) }),
    ...(hedge === undefined ? {} : { hedge }),
    ...pricing(config),
    ...(grammar === undefined ? {} : { grammar }),
    ...keyOf(config, environment),
  };
}

function limitOf({ kind, min, max }: NonNullable<OpenaiConfig['limit']>): LimitOptions {
  return { kind, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

function keyOf(
  { key }: Pick<OpenaiConfig, 'key'>,
  environment: EngineContext['environment'],
): { readonly key?: string } {
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
