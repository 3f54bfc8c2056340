import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Recipe } from '../../schemas/recipe.js';
import { crashPoint } from '../../streams/crash-point.js';
import { openDataFolder } from '../../streams/data-folder.js';
import { inputFiles } from '../../streams/inputs/input-files.js';
import { hasEnded } from '../../streams/river/is-dry.js';
import { type LoadOptions, type ReadSeeds, readSeeds, seedMessages } from '../../streams/river/load-input.js';
import { checkIdentity, identityMessage, pipelineTopic, readIdentity } from '../../streams/river/pipeline-identity.js';
import { ensureTopics } from '../../streams/river/river.js';
import { acceptedSamples } from '../../streams/river/river-status.js';
import { seedsTopic } from '../../streams/river/stages.js';
import {
  isSameTarget,
  labelledTargets,
  readCompleted,
  readTargets,
  shareOut,
  type Target,
  targetMessage,
} from '../../streams/river/targets.js';
import { readManifest } from '../../streams/shards/manifest-file.js';
import { checkShardFolder } from '../../streams/shards/shard-folder.js';
import type { Message, Topics } from '../../streams/topics.js';
import type { LoadedRecipe } from '../recipe/load-recipe.js';
import { recipeIdentity } from '../recipe/recipe-identity.js';
import { hygieneIdentity } from './hygiene-parts.js';
import { keepRun } from './kept-run.js';
import { openTopics, type TopicsHooks } from './open-topics.js';

export interface PrepareOptions {
  readonly loaded: LoadedRecipe;
  readonly dataDir: string;
  /** Go for as many more, where the target was reached before. */
  readonly more: boolean;
  /** Go for what the lanes were told before, as a worker does whose supervisor told them. */
  readonly asTold?: boolean;
  readonly hooks?: TopicsHooks;
}

/** A pipeline whose data folder is ours and whose recipe and seeds are good; nothing of it is written yet. */
export interface Prepared {
  readonly recipe: Recipe;
  readonly topics: Topics;
  readonly shardDir: string;
  /** Accepted samples by lane; what other workers were told is among it from `begin` on. */
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
  /** Whether the topics belong to no recipe yet. */
  readonly isNew: boolean;
  /**
   * Keeps the recipe, to which folder and topics belong from now on, and creates the topics; what `first` decides is written with
   * it, as one step among all workers.
   */
  claim(first?: () => Promise<readonly Message[]>): Promise<void>;
  close(): Promise<void>;
}

/** Opens the data folder for writing, which one process at a time may, and the topics. */
export async function openRun(loaded: LoadedRecipe, dataDir: string, hooks: TopicsHooks = {}): Promise<OpenRun> {
  const { recipe, dir: base } = loaded;
  const shardDir = resolve(recipe.shards.dir);
  await checkShardFolder(shardDir);
  const identity = await identityOf(loaded);
  const folder = await openDataFolder({ dir: resolve(dataDir), recipe: identity });
  let topics: Topics | undefined;
  try {
    const opened = await openTopics(recipe, { base, topicsDir: folder.topicsDir, hooks });
    topics = opened;
    const kept = await readIdentity(opened);
    if (kept !== undefined) checkIdentity(kept, identity);
    else if (folder.isNew) await refuseForeignShards(shardDir);
    return {
      topics: opened,
      shardDir,
      isNew: kept === undefined && folder.isNew,
      claim: async (first = async () => []) => {
        // The recipe last: a folder that has one has all the rest, wherever a crash came.
        await ensureTopics(recipe, opened);
        await opened.appendAfter(pipelineTopic.name, async () => {
          const there = await readIdentity(opened);
          if (there !== undefined) checkIdentity(there, identity);
          return [...(there === undefined ? [identityMessage(identity)] : []), ...(await first())];
        });
        await keepRun(folder.dir, { recipe, base, shardDir });
        await folder.keep();
      },
      close: async () => {
        await opened.close();
        await folder.close();
      },
    };
  } catch (error) {
    await topics?.close();
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
export async function prepare(options: PrepareOptions): Promise<Prepared> {
  const { loaded, dataDir, more, asTold = false, hooks } = options;
  const { recipe } = loaded;
  const seeds = await seedsOf(loaded);
  const run = await openRun(loaded, dataDir, hooks);
  const { topics, shardDir, close } = run;
  const lanes = recipe.topics.partitions;
  const topic = seedsTopic(recipe);
  const asked = shareOut('samples' in recipe.target ? recipe.target.samples : null, lanes);

  async function standing(isNew: boolean): Promise<Standing> {
    const told = isNew ? [] : await readTargets(topics, topic, lanes);
    const completed = isNew ? [] : await readCompleted(topics, lanes);
    const totals = more ? raised(asked, completed, told) : asked;
    // Texts that are given bring their labels along: to hold out for others would refine them in vain.
    const label = recipe.steps.draft.way === 'given' ? undefined : recipe.domain.label;
    const targets = labelledTargets(totals, label, told);
    // Its verdicts on the last samples may still be missing.
    const judged = isNew || (await hasEnded(topics, ['judge']));
    return { told, completed, judged, targets: asTold ? targets.map((target, lane) => told[lane] ?? target) : targets };
  }

  try {
    const before = await standing(run.isNew);
    let { targets } = before;
    return {
      recipe,
      topics,
      shardDir,
      get targets() {
        return totalsOf(targets);
      },
      accepted: run.isNew ? 0 : await acceptedSamples(topics),
      complete: before.judged && targets.every(isReached(before)),
      begin: async () => {
        await run.claim(async () => {
          const now = await standing(false);
          targets = now.targets;
          crashPoint('seeds.append.before');
          return firstMessages(seeds, { topic, partitions: lanes, now: Date.now }, now);
        });
        crashPoint('seeds.append.after');
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the lanes were told, what is in the manifest of it, and what they shall have. */
interface Standing {
  readonly told: readonly (Target | undefined)[];
  readonly completed: readonly number[];
  readonly targets: readonly Target[];
  /** Whether the judge has seen all samples, where there is one. */
  readonly judged: boolean;
}

function isReached({ completed }: Standing): (target: Target, lane: number) => boolean {
  return ({ total }, lane) => total !== null && (completed[lane] ?? 0) >= total;
}

function totalsOf(targets: readonly Target[]): readonly (number | null)[] {
  return targets.map(({ total }) => total);
}

/** The seeds of a file or module; undefined where they come over a topic. */
async function seedsOf({ recipe, dir }: LoadedRecipe): Promise<ReadSeeds | undefined> {
  const { seeds } = recipe.inputs;
  if (typeof seeds === 'object' && 'topic' in seeds) return undefined;
  return readSeeds({ source: seeds, base: dir, domain: recipe.domain, now: Date.now });
}

/** The first time, targets come with the seeds; later they are told where they have changed. */
function firstMessages(
  seeds: ReadSeeds | undefined,
  target: Pick<LoadOptions, 'topic' | 'partitions' | 'now'>,
  { told, targets }: Standing,
): readonly Message[] {
  if (seeds !== undefined && told.every((target) => target === undefined)) return seedMessages(seeds, target, targets);
  const { topic, now } = target;
  return targets.flatMap((target, lane) =>
    isSameTarget(told[lane], target) ? [] : [targetMessage(topic, lane, target, now())],
  );
}

/** The targets of a run for more: as many again where the last ones are reached; those that are still open, if they are higher. */
function raised(
  asked: readonly (number | null)[],
  completed: readonly number[],
  told: readonly (Target | undefined)[],
): readonly (number | null)[] {
  const reached =
    told.length > 0 && told.every((target, lane) => target?.total != null && (completed[lane] ?? 0) >= target.total);
  return asked.map((total, lane) => {
    const before = told[lane]?.total ?? 0;
    if (total === null) return null;
    return reached ? total + before : Math.max(total, before);
  });
}

/** The samples that all lanes shall have; null is endless. */
export function totalTarget(targets: readonly (number | null)[]): number | null {
  return targets.reduce<number | null>((sum, total) => (sum === null || total === null ? null : sum + total), 0);
}

/** What decides the results: the recipe, the very seeds, and the very benchmarks. */
async function identityOf({ recipe, dir }: LoadedRecipe): Promise<Readonly<Record<string, unknown>>> {
  const { seeds } = recipe.inputs;
  const identity = { ...recipeIdentity(recipe), ...(await hygieneIdentity(recipe, dir)) };
  if (typeof seeds !== 'string') return identity;
  const hash = createHash('sha256');
  for (const { path } of await inputFiles(seeds, dir)) hash.update(await readFile(path));
  return { ...identity, seedsSha256: hash.digest('hex') };
}
