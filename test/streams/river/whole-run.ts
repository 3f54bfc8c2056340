import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished } from 'vitest';

import { loadInputs } from '../../../cli/run/load-inputs.js';
import { journaled } from '../../../engines/journaled.js';
import { openai } from '../../../engines/openai/openai.js';
import { type AnyRecord, decode, type Kind, type RecordOfKind } from '../../../schemas/codec.js';
import type { Recipe } from '../../../schemas/recipe.js';
import { openLog } from '../../../streams/log/open-log.js';
import { readSeeds, seedMessages } from '../../../streams/river/load-input.js';
import { idleParts, type JournaledModel } from '../../../streams/river/parts.js';
import { ensureTopics, startRiver } from '../../../streams/river/river.js';
import { runnableStages } from '../../../streams/river/stages.js';
import { labelledTargets, readTargets, shareOut } from '../../../streams/river/targets.js';
import { readAll } from '../../../streams/stage/read-all.js';
import type { Topics } from '../../../streams/topics.js';
import { HashingEmbedder } from '../../operators/synalign/hashing-embedder.js';

/** A folder with the inputs, and the topics of a pipeline; both are gone after the test. */
export interface Place {
  readonly dir: string;
  readonly topics: Topics;
}

/** Makes a folder with these JSONL files, an object a line, by name. */
export async function placeWith(inputs: Readonly<Record<string, readonly unknown[]>>): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-river-'));
  for (const [name, objects] of Object.entries(inputs)) {
    await writeFile(join(dir, name), objects.map((object) => `${JSON.stringify(object)}\n`).join(''));
  }
  await mkdir(join(dir, 'out'));
  const topics = await openLog({ dir: join(dir, 'topics') });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { dir, topics };
}

/** Runs a recipe with its seeds in `seeds.jsonl` until its lanes have so many samples; a further run goes on with the topics. */
export async function ran(recipe: Recipe, total: number, { dir, topics }: Place): Promise<void> {
  const lanes = recipe.topics.partitions;
  await ensureTopics(recipe, topics);
  const told = await readTargets(topics, 'seeds', lanes);
  const targets = labelledTargets(shareOut(total, lanes), recipe.domain.label, told);
  const isFirst = told.every((target) => target === undefined);
  const seeds = await readSeeds({ source: 'seeds.jsonl', base: dir, domain: recipe.domain, now: Date.now });
  const own = { topic: 'seeds', partitions: lanes, now: Date.now };
  await topics.append(seedMessages(isFirst ? seeds : { seeds: [], dead: [] }, own, targets));
  const river = await startRiver({
    recipe,
    topics,
    targets: targets.map((target) => target.total),
    parts: {
      ...idleParts,
      base: modelOf(recipe, 'base'),
      instruct: modelOf(recipe, 'instruct'),
      embedder: new HashingEmbedder(),
      shardDir: join(dir, 'out'),
    },
  });
  const ended = new AbortController();
  const loading = loadInputs({ recipe, topics, base: dir, stages: runnableStages }, ended.signal);
  expect(await Promise.race([river.done, loading.then(() => river.done)])).toBe('complete');
  ended.abort();
  await loading;
}

/** The records of a kind on a topic, lane by lane. */
export async function recordsOf<K extends Kind>(topics: Topics, topic: string, kind: K): Promise<RecordOfKind<K>[]> {
  const isWanted = (record: AnyRecord): record is RecordOfKind<K> => record.kind === kind;
  const records: RecordOfKind<K>[] = [];
  const { length: lanes } = await topics.offsets(topic);
  for (let lane = 0; lane < lanes; lane++) {
    for await (const { value, headers } of readAll(topics, topic, lane)) {
      const record = decode(value ?? new Uint8Array(), headers);
      if (isWanted(record)) records.push(record);
    }
  }
  return records;
}

function modelOf({ models }: Recipe, role: 'base' | 'instruct'): JournaledModel | undefined {
  const config = models[role];
  if (config?.engine !== 'openai') return undefined;
  const { url, model, maxInFlight, retries, timeoutMs } = config;
  const asked = openai({ url, model, maxInFlight, retries, timeoutMs });
  onTestFinished(() => asked.close());
  return (journal) => journaled(asked, journal);
}
