import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import { type ModelStatus, modelStatus } from '../../engines/models/model-status.js';
import type { EmbedderConfig, LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { ModelRole } from '../../streams/river/judging.js';
import { modelsInUse } from './cross-checks.js';
import { free, type PriceOf, priceOf } from './price-of.js';

/** A model of a recipe: whether it is here, and where texts go when it is asked. */
export interface RecipeModel {
  readonly role: ModelRole | 'embed';
  readonly engine: string;
  readonly model: string;
  /** `server`: it is not asked. `fetch`: the first run fetches it. `missing`: a file that is not there. */
  readonly state: 'present' | 'fetch' | 'missing' | 'server';
  /** Bytes that the first run fetches. */
  readonly fetchBytes: number;
  /** Null where no text leaves this process; else the host, or several. */
  readonly sendsTo: string | null;
  /** Whether the host is another machine. */
  readonly leavesMachine: boolean;
  readonly licence: string | null;
  /** US dollars for a million tokens; null where it is not known. */
  readonly price: PriceOf | null;
}

type Unpriced = Omit<RecipeModel, 'price'>;

const staticModel = 'wordllama-256';

/** The models that a recipe uses. Looks at files, asks no server. `dir` is the folder that files are relative to. */
export async function modelsOf(recipe: Recipe, dir: string, cacheDir?: string): Promise<readonly RecipeModel[]> {
  const known = await modelStatus(cacheDir === undefined ? {} : { cacheDir });
  const language = [...modelsInUse(recipe)].map(async ([role, model]) => {
    return { ...(await languageModel(role, model, dir, known)), price: priceOf(model) ?? null };
  });
  const embeds = await embedder(recipe.models.embed, dir, known);
  return [...(await Promise.all(language)), ...(embeds === undefined ? [] : [{ ...embeds, price: free }])];
}

async function languageModel(
  role: ModelRole,
  config: LanguageModelConfig,
  dir: string,
  known: readonly ModelStatus[],
): Promise<Unpriced> {
  if (config.engine === 'openai' || config.engine === 'openai-batch') {
    const urls = [config.url].flat().map((url) => new URL(url));
    const sendsTo = [...new Set(urls.map(({ host }) => host))].join(', ');
    const leavesMachine = urls.some(({ hostname }) => !/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname));
    const server = { state: 'server', fetchBytes: 0, sendsTo, leavesMachine, licence: null } as const;
    return { role, engine: config.engine, model: config.model, ...server };
  }
  const model = config.engine === 'replay' ? config.journal : config.model;
  const entry = config.engine === 'llama' ? inCatalogue(role, config.engine, model, known) : undefined;
  if (entry !== undefined) return entry;
  return ownFile(role, config.engine, model, dir);
}

async function embedder(
  { engine, weights }: EmbedderConfig,
  dir: string,
  known: readonly ModelStatus[],
): Promise<Unpriced | undefined> {
  return weights === undefined
    ? inCatalogue('embed', engine, staticModel, known)
    : ownFile('embed', engine, weights, dir);
}

async function ownFile(role: RecipeModel['role'], engine: string, model: string, dir: string): Promise<Unpriced> {
  const isFile = await stat(resolve(dir, model)).then(
    (stats) => stats.isFile(),
    () => false,
  );
  return { role, engine, model, ...local, state: isFile ? 'present' : 'missing', licence: null };
}

function inCatalogue(
  role: RecipeModel['role'],
  engine: string,
  model: string,
  known: readonly ModelStatus[],
): Unpriced | undefined {
  const entry = known.find(({ name }) => name === model);
  if (entry === undefined) return undefined;
  const state = entry.present ? 'present' : 'fetch';
  const fetchBytes = entry.present ? 0 : entry.bytes;
  return { role, engine, model, ...local, state, fetchBytes, licence: entry.licence.name };
}

const local = { fetchBytes: 0, sendsTo: null, leavesMachine: false } as const;
