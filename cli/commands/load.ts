import { resolve } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { InputCounts } from '../../streams/inputs/read-input.js';
import { type InputKind, inputKinds, inputTopics } from '../../streams/inputs/to-record.js';
import { loadRecords, loadSeeds, readSeeds } from '../../streams/river/load-input.js';
import { readTargets } from '../../streams/river/targets.js';
import { ownTopic } from '../../streams/river/topics-of.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { loadRecipe } from '../recipe/load-recipe.js';
import { keptRun, openPipeline, type PipelineOptions } from '../run/kept-run.js';
import { openRun } from '../run/prepare.js';

export interface LoadCommandOptions extends PipelineOptions {
  readonly topic: string;
  readonly files: readonly string[];
}

/** `headwater load`: puts the records of files on an input topic; lines that are none become dead letters, and are counted. */
export async function load(options: LoadCommandOptions, io: Io): Promise<number> {
  const kind = inputKinds.find((known) => known === options.topic);
  if (kind === undefined) {
    throw new HeadwaterError(
      'recipe-invalid',
      `load: '${options.topic}' takes no files: choose ${inputKinds.join(', ')}`,
    );
  }
  await createWhereNew(options);
  const pipeline = await openPipeline(options);
  try {
    const loaded = [];
    for (const file of options.files) {
      const { read, dead } = await loadFile(kind, file, pipeline);
      loaded.push({ file, read, dead });
      if (!io.json) io.out(`${file}: ${read} ${kind} loaded, ${dead} dead letters\n`);
    }
    if (io.json) io.out(`${JSON.stringify({ topic: kind, files: loaded }, null, 2)}\n`);
    return exitCodes.done;
  } finally {
    await pipeline.topics.close();
  }
}

/** Inputs may come before the first run. */
async function createWhereNew({ recipe, data }: PipelineOptions): Promise<void> {
  if (recipe === undefined) return;
  const loaded = await loadRecipe(recipe, { set: [], secrets: 'topics' });
  const dataDir = resolve(data ?? loaded.recipe.topics.dir ?? '.headwater');
  if ((await keptRun(dataDir)) !== undefined) return;
  const run = await openRun(loaded, dataDir);
  try {
    await run.claim();
  } finally {
    await run.close();
  }
}

async function loadFile(
  kind: InputKind,
  file: string,
  { recipe, topics, base: root }: Awaited<ReturnType<typeof openPipeline>>,
): Promise<InputCounts> {
  const { domain } = recipe;
  const source = { source: file, base: process.cwd(), root, domain, now: Date.now };
  const target = { topics, topic: topicOf(kind, recipe), partitions: recipe.topics.partitions };
  if (kind !== 'seeds') return loadRecords(kind, { ...source, ...target }, false);
  const read = await readSeeds(source);
  // The lanes' targets again behind the seeds: a planner that was told its target before it had any seed begins now.
  await loadSeeds(read, { ...source, ...target }, await readTargets(topics, target.topic, target.partitions));
  return read.counts;
}

/** The topic that the recipe takes an input from. */
function topicOf(kind: InputKind, { inputs }: Recipe): string {
  return ownTopic(inputs[kind]) ?? inputTopics[kind];
}
