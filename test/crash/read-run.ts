import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type AnyRecord, decode, type Kind, type RecordOfKind } from '../../schemas/codec.js';
import type { Correction } from '../../schemas/correction.js';
import type { DeadLetter } from '../../schemas/dead-letter.js';
import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Plan } from '../../schemas/plan.js';
import type { Sample } from '../../schemas/sample.js';
import type { ManifestEntry } from '../../schemas/shard.js';
import { parquetRows } from '../streams/shards/read-back.js';
import { type RunTopics, withTopics } from './run-topics.js';
import type { Scene } from './scene.js';

/** What a pipeline has left behind, read from topics and files alone: no code of stages, rivers or manifests has a part in it. */
export interface RunRead {
  /** By lane. */
  readonly plans: readonly (readonly Plan[])[];
  readonly samples: readonly (readonly Sample[])[];
  readonly ledger: readonly (readonly LedgerEntry[])[];
  readonly seedIds: readonly (readonly string[])[];
  readonly realIds: readonly string[];
  readonly corrections: readonly Correction[];
  readonly completeTicks: readonly string[];
  readonly deadLetters: readonly DeadLetter[];
  readonly shards: readonly ShardRead[];
  /** Files of the shard folder that no line of the manifest names. */
  readonly strays: readonly string[];
  readonly stages: readonly StageRead[];
}

export interface ShardRead {
  readonly entry: ManifestEntry;
  readonly sha256: string;
  readonly rows: readonly { readonly id: string; readonly fields: Readonly<Record<string, unknown>> }[];
}

export interface StageRead {
  readonly name: string;
  /** Records that have left the stage, in whichever way. */
  readonly outcomes: number;
  /** Records that it has consumed: those that can be read below its committed offsets. */
  readonly consumed: number;
}

const stages = ['plan', 'reason', 'draft', 'refine', 'align', 'shard', 'manifest'];

export async function readRun(scene: Scene): Promise<RunRead> {
  return withTopics(scene, async (topics) => {
    const all = async <K extends Kind>(topic: string, kind: K) => (await byLane(topics, topic, kind)).flat();
    const ticks = (await all('shards', 'tick')).filter(({ reason }) => reason === 'complete');
    return {
      plans: await byLane(topics, 'plans', 'plan'),
      samples: await byLane(topics, 'samples', 'sample'),
      ledger: await byLane(topics, 'ledger', 'ledger-entry'),
      seedIds: (await byLane(topics, 'seeds', 'seed')).map((lane) => lane.map(({ id }) => id)),
      realIds: (await all('real', 'real')).map(({ id }) => id),
      corrections: await all('corrections', 'correction'),
      completeTicks: ticks.map(({ lane, total }) => `${lane}: ${total}`),
      deadLetters: await all('dead-letters', 'dead-letter'),
      ...(await readShards(scene.out)),
      stages: await Promise.all(stages.map((name) => readStage(topics, name))),
    };
  });
}

/** The requests whose answers the journals hold, with how often they do: answers name their requests. */
export async function readJournals(topics: RunTopics): Promise<ReadonlyMap<string, number>> {
  const held = new Map<string, number>();
  for (const topic of ['journal.reason', 'journal.draft', 'journal.refine']) {
    for (const { value } of (await topics.messages(topic)).flat()) {
      const text = new TextDecoder().decode(value ?? new Uint8Array());
      // The last mark is the answer's own; an edit may repeat that of its draft.
      const request = [...text.matchAll(/request ([0-9a-f]{32})/gi)].at(-1)?.[1];
      if (request === undefined) throw new Error(`an answer in ${topic} names no request: ${text}`);
      held.set(request, (held.get(request) ?? 0) + 1);
    }
  }
  return held;
}

async function byLane<K extends Kind>(topics: RunTopics, topic: string, kind: K): Promise<RecordOfKind<K>[][]> {
  const isWanted = (record: AnyRecord): record is RecordOfKind<K> => record.kind === kind;
  return (await topics.messages(topic)).map((lane) =>
    lane.map(({ value, headers }) => decode(value ?? new Uint8Array(), headers)).filter(isWanted),
  );
}

async function readStage(topics: RunTopics, name: string): Promise<StageRead> {
  const committed = (await topics.committed(name)).filter(({ topic }) => !topic.startsWith('journal.'));
  const counted = (await topics.messages(`state.${name}`)).map((lane) => {
    const newest = lane.findLast(({ key }) => key === '#outcomes')?.value;
    return newest ? sumOfNumbers(JSON.parse(new TextDecoder().decode(newest))) : 0;
  });
  const consumed = committed.map(async ({ topic, partition, offset }) => {
    const messages = (await topics.messages(topic))[partition] ?? [];
    return messages.filter((message) => message.offset < offset).length;
  });
  return { name, outcomes: sum(counted), consumed: sum(await Promise.all(consumed)) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function sumOfNumbers(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, part) => sum + sumOfNumbers(part), 0);
}

async function readShards(out: string): Promise<Pick<RunRead, 'shards' | 'strays'>> {
  const names = new Set(await readdir(out));
  const text = names.delete('manifest.jsonl') ? await readFile(join(out, 'manifest.jsonl'), 'utf8') : '';
  const shards: ShardRead[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    const entry: ManifestEntry = JSON.parse(line);
    const path = join(out, entry.path);
    const sha256 = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    shards.push({ entry, sha256, rows: (await parquetRows(path)).map(rowOf) });
    names.delete(entry.path);
  }
  return { shards, strays: [...names] };
}

function rowOf(row: unknown): ShardRead['rows'][number] {
  const { id, question, answer } = row as Readonly<Record<string, unknown>>;
  return { id: String(id), fields: { question, answer } };
}
