import { access, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { z } from 'zod';

import { HeadwaterError } from '../../schemas/errors.js';
import { type Recipe, recipe as recipeSchema } from '../../schemas/recipe.js';
import { readDataFolder } from '../../streams/data-folder.js';
import { logFile } from '../../streams/log/store.js';
import { storeError } from '../../streams/shards/store-error.js';
import type { Topics } from '../../streams/topics.js';
import { type LoadedRecipe, loadRecipe } from '../recipe/load-recipe.js';
import { openTopics } from './open-topics.js';

/** How the commands beside `run` find their pipeline. */
export interface PipelineOptions {
  readonly recipe?: string;
  readonly data?: string;
}

export interface Pipeline {
  readonly recipe: Recipe;
  /** The folder that its inputs are relative to. */
  readonly base: string;
  readonly shardDir: string;
  readonly topics: Topics;
}

const runSchema = z.object({ recipe: recipeSchema, base: z.string(), shardDir: z.string() });
type KeptRun = Readonly<z.infer<typeof runSchema>>;

const fileName = 'run.json';

/** Keeps in a data folder what was run there, for `status`, `tail` and the others. */
export async function keepRun(dataDir: string, run: KeptRun): Promise<void> {
  const file = join(dataDir, fileName);
  try {
    await writeFile(`${file}.new`, `${JSON.stringify(run, null, 2)}\n`);
    await rename(`${file}.new`, file);
  } catch (error) {
    throw storeError(file, error);
  }
}

/** The run kept in a data folder, or undefined where there is none. */
export async function keptRun(dataDir: string): Promise<KeptRun | undefined> {
  const file = join(dataDir, fileName);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return runSchema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${file} is not what \`headwater run\` wrote: run the recipe again, which writes it anew`;
    throw new HeadwaterError('data-foreign', message, { cause });
  }
}

/**
 * Opens a pipeline's topics to read, while a run may go on in another process: those of the run kept in the data folder, or, on
 * Kafka, those that the recipe names. Throws `input-unreadable` where there are none.
 */
export async function openPipeline({ recipe: name, data }: PipelineOptions): Promise<Pipeline> {
  const loaded = name === undefined ? undefined : await loadRecipe(name, { set: [], secrets: 'topics' });
  const dataDir = resolve(data ?? loaded?.recipe.topics.dir ?? '.headwater');
  const kept = (await keptRun(dataDir)) ?? elsewhere(loaded);
  if (kept === undefined) {
    throw new HeadwaterError(
      'input-unreadable',
      `nothing was run in ${dataDir} yet: name the folder with --data, or start with \`headwater run\``,
    );
  }
  const topicsDir = kept.recipe.topics.kind === 'log' ? await logOf(dataDir) : '';
  return { ...kept, topics: await openTopics(kept.recipe, { base: kept.base, topicsDir }) };
}

/** Where the log of a data folder lies; to open one that is missing would make an empty one. */
async function logOf(dataDir: string): Promise<string> {
  const { topicsDir } = await readDataFolder(dataDir);
  try {
    await access(join(topicsDir, logFile));
    return topicsDir;
  } catch (cause) {
    const text = `${topicsDir} holds no ${logFile} that can be read: the folder is damaged, name another one`;
    throw new HeadwaterError('data-missing', text, { cause });
  }
}

/** A pipeline on Kafka can be looked at from a machine where none of its workers ran. */
function elsewhere(loaded: LoadedRecipe | undefined): KeptRun | undefined {
  if (loaded?.recipe.topics.kind !== 'kafka') return undefined;
  const { recipe, dir: base } = loaded;
  return { recipe, base, shardDir: resolve(recipe.shards.dir) };
}
