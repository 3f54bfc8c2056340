import { readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import { type Recipe, recipe as recipeSchema } from '../../schemas/recipe.js';
import { readDataFolder } from '../../streams/data-folder.js';
import { openLog } from '../../streams/log/open-log.js';
import type { Topics } from '../../streams/topics.js';
import { loadRecipe } from '../recipe/load-recipe.js';

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

interface KeptRun {
  readonly recipe: Recipe;
  readonly base: string;
  readonly shardDir: string;
}

const fileName = 'run.json';

/** Keeps in a data folder what was run there, for `status`, `tail` and the others. */
export async function keepRun(dataDir: string, run: KeptRun): Promise<void> {
  const file = join(dataDir, fileName);
  await writeFile(`${file}.new`, `${JSON.stringify(run, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** The run kept in a data folder, or undefined where there is none. */
export async function keptRun(dataDir: string): Promise<KeptRun | undefined> {
  const file = join(dataDir, fileName);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { recipe, base, shardDir } = JSON.parse(text) as Readonly<Record<keyof KeptRun, unknown>>;
  return { recipe: recipeSchema.parse(recipe), base: String(base), shardDir: String(shardDir) };
}

/** Opens a pipeline's topics to read, while a run may go on in another process. Throws `input-unreadable` where there are none. */
export async function openPipeline({ recipe: name, data }: PipelineOptions): Promise<Pipeline> {
  const loaded = name === undefined ? undefined : await loadRecipe(name, { set: [] });
  const dataDir = resolve(data ?? loaded?.recipe.topics.dir ?? '.headwater');
  const kept = await keptRun(dataDir);
  if (kept === undefined) {
    throw new HeadwaterError(
      'input-unreadable',
      `nothing was run in ${dataDir} yet: name the folder with --data, or start with \`headwater run\``,
    );
  }
  const { topicsDir } = await readDataFolder(dataDir);
  return { ...kept, topics: await openLog({ dir: topicsDir }) };
}
