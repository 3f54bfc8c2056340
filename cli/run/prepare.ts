import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Recipe } from '../../schemas/recipe.js';
import { openDataFolder } from '../../streams/data-folder.js';
import { inputFiles } from '../../streams/inputs/input-files.js';
import { openLog } from '../../streams/log/open-log.js';
import { type LoadOptions, loadSeeds, type ReadSeeds, readSeeds } from '../../streams/river/load-input.js';
import { acceptedSamples } from '../../streams/river/river-status.js';
import { idleParts, seedsTopic, stageNames, stagesOf } from '../../streams/river/stages.js';
import { readCompleted, readTargets, shareOut, targetMessage } from '../../streams/river/targets.js';
import { topicsOf } from '../../streams/river/topics-of.js';
import { readManifest } from '../../streams/shards/manifest-file.js';
import { checkShardFolder } from '../../streams/shards/shard-folder.js';
import type { Topics } from '../../streams/topics.js';
import type { LoadedRecipe } from '../recipe/load-recipe.js';
import { recipeIdentity } from '../recipe/recipe-identity.js';
import { keepRun } from './kept-run.js';

export interface PrepareOptions {
  readonly loaded: LoadedRecipe;
  readonly dataDir: string;
  /** Go for as many more, where the target was reached before. */
  readonly more: boolean;
}

/** A pipeline whose data folder is ours and whose recipe and seeds are good; nothing of it is written yet. */
export interface Prepared {
  readonly recipe: Recipe;
  readonly topics: Topics;
  readonly shardDir: string;
  /** Accepted samples by lane. */
  readonly targets: readonly (number | null)[];
  readonly accepted: number;
  /** Whether all of it was made before. */
  readonly complete: boolean;
  /** Keeps the recipe, creates the topics, loads the seeds once, and tells the lanes their targets. */
  begin(): Promise<void>;
  close(): Promise<void>;
}

/** A data folder that is ours, with its topics. */
export interface OpenRun {
  readonly topics: Topics;
  readonly shardDir: string;
  /** Whether no recipe ran there before, so that there are no topics. */
  readonly isNew: boolean;
  /** Keeps the recipe, to which the folder belongs from now on, and creates the topics. */
  claim(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the data folder for writing, which one process at a time may. */
export async function openRun(loaded: LoadedRecipe, dataDir: string): Promise<OpenRun> {
  const { recipe, dir: base } = loaded;
  const shardDir = resolve(recipe.shards.dir);
  await checkShardFolder(shardDir);
  const folder = await openDataFolder({ dir: resolve(dataDir), recipe: await identityOf(loaded), mayDiffer: [] });
  try {
    if (folder.isNew) await refuseForeignShards(shardDir);
    const topics = await openLog({ dir: folder.topicsDir });
    return {
      topics,
      shardDir,
      isNew: folder.isNew,
      claim: async () => {
        // The recipe last: a folder that has one has all the rest, wherever a crash came.
        await topics.ensure(topicsOf(recipe, stagesOf(recipe, idleParts, stageNames)));
        await keepRun(folder.dir, { recipe, base, shardDir });
        await folder.keep();
      },
      close: async () => {
        await topics.close();
        await folder.close();
      },
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** A new run names its first shard like that of any other run. */
async function refuseForeignShards(shardDir: string): Promise<void> {
  for await (const { path } of readManifest(shardDir)) {
    const text = `${shardDir} holds the shards of another run, such as ${path}`;
    throw new HeadwaterError('data-foreign', `${text}: choose another folder with --out, or move that one away`);
  }
}

/** Opens a run and reads its seeds, so that what is wrong with it is found before the folder belongs to it. */
export async function prepare({ loaded, dataDir, more }: PrepareOptions): Promise<Prepared> {
  const { recipe } = loaded;
  const seeds = await seedsOf(loaded);
  const run = await openRun(loaded, dataDir);
  const { topics, shardDir, close } = run;
  try {
    const lanes = recipe.topics.partitions;
    const topic = seedsTopic(recipe);
    const told = run.isNew ? [] : await readTargets(topics, topic, lanes);
    const completed = run.isNew ? [] : await readCompleted(topics, lanes);
    const asked = shareOut('samples' in recipe.target ? recipe.target.samples : null, lanes);
    const targets = more ? raised(asked, completed, told) : asked;
    const begin = async () => {
      await run.claim();
      await tell(seeds, { topics, topic, partitions: lanes, now: Date.now }, targets, told);
    };
    return {
      recipe,
      topics,
      shardDir,
      targets,
      accepted: run.isNew ? 0 : await acceptedSamples(topics),
      complete: targets.every((target, lane) => target !== null && (completed[lane] ?? 0) >= target),
      begin,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The seeds of a file or module; undefined where they come over a topic. */
async function seedsOf({ recipe, dir }: LoadedRecipe): Promise<ReadSeeds | undefined> {
  const { seeds } = recipe.inputs;
  if (typeof seeds === 'object' && 'topic' in seeds) return undefined;
  return readSeeds({ source: seeds, base: dir, domain: recipe.domain, now: Date.now });
}

/** The first time, targets come with the seeds, all or nothing; later they are told where they have changed. */
async function tell(
  seeds: ReadSeeds | undefined,
  target: Pick<LoadOptions, 'topics' | 'topic' | 'partitions' | 'now'>,
  targets: readonly (number | null)[],
  told: readonly (number | null | undefined)[],
): Promise<void> {
  const { topics, topic, now } = target;
  if (seeds !== undefined && told.every((total) => total === undefined)) return loadSeeds(seeds, target, targets);
  const changed = targets.flatMap((total, lane) =>
    total === told[lane] ? [] : [targetMessage(topic, lane, total, now())],
  );
  if (changed.length > 0) await topics.append(changed);
}

/** The targets of a run for more: as many again where the last ones are reached; those that are still open, if they are higher. */
function raised(
  asked: readonly (number | null)[],
  completed: readonly number[],
  told: readonly (number | null | undefined)[],
): readonly (number | null)[] {
  const reached =
    told.length > 0 && told.every((total, lane) => typeof total === 'number' && (completed[lane] ?? 0) >= total);
  return asked.map((total, lane) => {
    const before = told[lane] ?? 0;
    if (total === null) return null;
    return reached ? total + before : Math.max(total, before);
  });
}

/** The samples that all lanes shall have; null is endless. */
export function totalTarget(targets: readonly (number | null)[]): number | null {
  return targets.reduce<number | null>((sum, total) => (sum === null || total === null ? null : sum + total), 0);
}

/** What decides the results: the recipe, and the very seeds. */
async function identityOf({ recipe, dir }: LoadedRecipe): Promise<Readonly<Record<string, unknown>>> {
  const { seeds } = recipe.inputs;
  if (typeof seeds !== 'string') return recipeIdentity(recipe);
  const hash = createHash('sha256');
  for (const { path } of await inputFiles(seeds, dir)) hash.update(await readFile(path));
  return { ...recipeIdentity(recipe), seedsSha256: hash.digest('hex') };
}
