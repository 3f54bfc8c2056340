import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { type AnyRecord, decode } from '../../../schemas/codec.js';
import type { DeadLetter } from '../../../schemas/dead-letter.js';
import { type Recipe, recipe as recipeSchema } from '../../../schemas/recipe.js';
import { type IntakeParts, intakeStages } from '../../../streams/intake/intake-stages.js';
import { openLog } from '../../../streams/log/open-log.js';
import { readAll } from '../../../streams/stage/read-all.js';
import { runStage, type StageRun } from '../../../streams/stage/run-stage.js';
import { stateTopic } from '../../../streams/stage/stage.js';
import type { Message, Topics } from '../../../streams/topics.js';
import { Commits } from '../stage/stage-log.js';

export const lanes = 2;
export const foreignPartitions = 3;
export const foreignName = 'tickets';

/** A recipe with one input that is a topic of others; the map fits tickets with a text, and a type for the label. */
export function intakeRecipe(kind: 'real' | 'seeds' | 'documents', input: object): Recipe {
  const map = kind === 'documents' ? { text: '$.body' } : { text: '$.body', kind: '$.type' };
  return recipeSchema.parse({
    name: 'intake',
    domain: { about: 'tickets', fields: { text: {} }, label: { field: 'kind', values: ['money', 'time'] } },
    inputs: { seeds: 'seeds.jsonl', [kind]: { topic: foreignName, map, ...input } },
    models: { base: { engine: 'replay', journal: 'answers' } },
    target: { samples: 1 },
    topics: { kind: 'kafka', partitions: lanes },
  });
}

/** A log with a topic of others, more partitions than lanes, and with ours; gone when the test ends. */
export async function intakeLog(): Promise<Topics> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-intake-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  const ours = ['real', 'seeds', 'documents', 'dead-letters'];
  await topics.ensure([
    { name: foreignName, partitions: foreignPartitions, cleanup: 'delete' },
    ...ours.map((name) => ({ name, partitions: lanes, cleanup: 'delete' as const })),
    ...ours.map((name) => ({
      name: stateTopic(`intake.${name}`),
      partitions: foreignPartitions,
      cleanup: 'compact' as const,
    })),
  ]);
  return topics;
}

/** A message of others. */
export function foreign(value: Uint8Array | null, partition = 0, key: string | null = null): Message {
  return { topic: foreignName, partition, key, value };
}

/** The intake at work on the log, with what it has committed. */
export interface Intake {
  readonly run: StageRun;
  readonly commits: Commits;
  /** Each wait for the registry, and null for its end. */
  readonly waits: (string | null)[];
  /** Resolves when so many messages are through, then stops it. */
  through(count: number): Promise<void>;
}

export async function startIntake(topics: Topics, recipe: Recipe, parts: Partial<IntakeParts> = {}): Promise<Intake> {
  const waits: (string | null)[] = [];
  const [stage] = intakeStages(recipe, {
    registryPassword: async () => 'secret',
    topicName: (topic) => topic,
    waiting: (_, why) => waits.push(why),
    retry: { firstMs: 5, maxMs: 20 },
    ...parts,
  });
  if (stage === undefined) throw new Error('the recipe has no topic of others');
  const commits = new Commits();
  const run = await runStage({ stage, topics, committed: commits.add });
  onTestFinished(async () => {
    run.abandon();
    await run.done.catch(() => undefined);
  });
  return {
    run,
    commits,
    waits,
    through: async (count) => {
      await Promise.race([commits.reach(count), run.done]);
      run.drain();
      await run.done;
    },
  };
}

/** All records of a topic, lane by lane. */
export async function recordsByLane(topics: Topics, topic: string): Promise<readonly (readonly AnyRecord[])[]> {
  const all: AnyRecord[][] = [];
  for (let lane = 0; lane < lanes; lane++) {
    const records: AnyRecord[] = [];
    for await (const { value, headers } of readAll(topics, topic, lane)) {
      records.push(decode(value ?? new Uint8Array(), headers));
    }
    all.push(records);
  }
  return all;
}

export async function deadLetters(topics: Topics): Promise<readonly DeadLetter[]> {
  const records = (await recordsByLane(topics, 'dead-letters')).flat();
  return records.filter((record) => record.kind === 'dead-letter');
}
