import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Recipe } from '../../schemas/recipe.js';
import { openDataFolder } from '../../streams/data-folder.js';
import { openLog } from '../../streams/log/open-log.js';
import { loadSeeds } from '../../streams/river/load-input.js';
import { acceptedSamples } from '../../streams/river/river-status.js';
import { idleParts, seedsTopic, stageNames, stagesOf } from '../../streams/river/stages.js';
import { readCompleted, readTargets, shareOut, targetMessage } from '../../streams/river/targets.js';
import { topicsOf } from '../../streams/river/topics-of.js';
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

/** A pipeline whose data folder is ours, whose topics exist, and whose planner knows its seeds and target. */
export interface Prepared {
  readonly recipe: Recipe;
  readonly topics: Topics;
  readonly shardDir: string;
  /** Accepted samples by lane. */
  readonly targets: readonly (number | null)[];
  readonly accepted: number;
  /** Whether all of it was made before. */
  readonly complete: boolean;
  close(): Promise<void>;
}

/** A data folder that is ours, with its topics. */
export interface OpenRun {
  readonly topics: Topics;
  readonly shardDir: string;
  close(): Promise<void>;
}

/** Opens the data folder for writing, which one process at a time may, and creates the topics. */
export async function openRun(loaded: LoadedRecipe, dataDir: string): Promise<OpenRun> {
  const { recipe, dir: base } = loaded;
  const shardDir = resolve(recipe.shards.dir);
  await checkShardFolder(shardDir);
  const folder = await openDataFolder({ dir: resolve(dataDir), recipe: await identityOf(loaded), mayDiffer: [] });
  try {
    await keepRun(folder.dir, { recipe, base, shardDir });
    const topics = await openLog({ dir: folder.topicsDir });
    const close = async () => {
      await topics.close();
      await folder.close();
    };
    await topics.ensure(topicsOf(recipe, stagesOf(recipe, idleParts, stageNames))).catch(async (error) => {
      await topics.close();
      throw error;
    });
    return { topics, shardDir, close };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** Opens a run, loads the seeds once, and tells the lanes their targets. */
export async function prepare({ loaded, dataDir, more }: PrepareOptions): Promise<Prepared> {
  const { recipe } = loaded;
  const { topics, shardDir, close } = await openRun(loaded, dataDir);
  try {
    const targets = await aim(loaded, topics, more);
    const completed = await readCompleted(topics, recipe.topics.partitions);
    const complete = targets.every((target, lane) => target !== null && (completed[lane] ?? 0) >= target);
    return { recipe, topics, shardDir, targets, accepted: await acceptedSamples(topics), complete, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The targets of the lanes: told with the seeds the first time, and again when they have changed. */
async function aim(loaded: LoadedRecipe, topics: Topics, more: boolean): Promise<readonly (number | null)[]> {
  const { recipe, dir } = loaded;
  const { partitions } = recipe.topics;
  const topic = seedsTopic(recipe);
  const before = await readTargets(topics, topic, partitions);
  const completed = await readCompleted(topics, partitions);
  const targets = targetsOf(recipe, more ? completed : [], before);
  const { seeds } = recipe.inputs;
  if (before.every((target) => target === undefined) && !(typeof seeds === 'object' && 'topic' in seeds)) {
    await loadSeeds(
      { topics, topic, partitions, source: seeds, base: dir, domain: recipe.domain, now: Date.now },
      targets,
    );
    return targets;
  }
  const changed = targets.flatMap((total, lane) =>
    total === before[lane] ? [] : [targetMessage(topic, lane, total, Date.now())],
  );
  if (changed.length > 0) await topics.append(changed);
  return targets;
}

function targetsOf(
  { target, topics }: Recipe,
  completed: readonly number[],
  before: readonly (number | null | undefined)[],
): readonly (number | null)[] {
  const asked = shareOut('samples' in target ? target.samples : null, topics.partitions);
  const reached =
    before.length > 0 && before.every((total, lane) => typeof total === 'number' && (completed[lane] ?? 0) >= total);
  if (!reached) return asked;
  return asked.map((total, lane) => (total === null ? null : total + (before[lane] ?? 0)));
}

/** The samples that all lanes shall have; null is endless. */
export function totalTarget(targets: readonly (number | null)[]): number | null {
  return targets.reduce<number | null>((sum, total) => (sum === null || total === null ? null : sum + total), 0);
}

/** What decides the results: the recipe, and the very seeds. */
async function identityOf({ recipe, dir }: LoadedRecipe): Promise<Readonly<Record<string, unknown>>> {
  const { seeds } = recipe.inputs;
  if (typeof seeds !== 'string') return recipeIdentity(recipe);
  const file = resolve(dir, seeds);
  try {
    return {
      ...recipeIdentity(recipe),
      seedsSha256: createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    };
  } catch (cause) {
    throw new HeadwaterError('input-unreadable', `the seeds ${file} cannot be read: see inputs.seeds of the recipe`, {
      cause,
    });
  }
}
