import { resolve as resolvePath } from 'node:path';

import { z } from 'zod';

import { parseJson } from '../../schemas/codec.js';
import type { DeadLetter } from '../../schemas/dead-letter.js';
import type { Domain } from '../../schemas/domain.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { recordId } from '../../schemas/ids.js';
import type { Seed } from '../../schemas/seed.js';
import { crashPoint } from '../crash-point.js';
import { type InputCounts, type InputOptions, readInput } from '../inputs/read-input.js';
import { recordMessage } from '../record-message.js';
import { readAll } from '../stage/read-all.js';
import { stateTopic } from '../stage/stage.js';
import type { Message, Topics } from '../topics.js';
import { targetMessage } from './targets.js';

export interface LoadOptions {
  readonly topics: Topics;
  /** Where the records go. */
  readonly topic: string;
  readonly partitions: number;
  readonly source: InputOptions<'real'>['source'];
  readonly base: string;
  readonly domain: Domain;
  readonly now: () => number;
  readonly signal?: AbortSignal;
  readonly progress?: (counts: InputCounts) => void;
}

const batchSize = 500;

/** The seeds of a file, and the lines of it that are none. */
export interface ReadSeeds {
  readonly seeds: readonly Seed[];
  readonly dead: readonly DeadLetter[];
  readonly counts: InputCounts;
}

/** Reads all seeds. Throws `input-unreadable` when no line is one. */
export async function readSeeds(options: Pick<LoadOptions, 'source' | 'base' | 'domain' | 'now'>): Promise<ReadSeeds> {
  const input = readInput({ ...options, kind: 'seeds' });
  const seeds: Seed[] = [];
  const dead: DeadLetter[] = [];
  for await (const item of input) {
    if (item.kind === 'seed') seeds.push(item);
    else dead.push(item);
  }
  if (seeds.length > 0) return { seeds, dead, counts: input.counts };
  const why = dead[0] === undefined ? 'it is empty' : `its first line: ${dead[0].message}`;
  throw new HeadwaterError('input-unreadable', `no line of ${sourceName(options.source)} is a seed (${why})`);
}

/** Seeds into every lane, with the targets that open them, all or nothing. */
export async function loadSeeds(
  { seeds, dead }: Pick<ReadSeeds, 'seeds' | 'dead'>,
  { topics, topic, partitions, now }: Pick<LoadOptions, 'topics' | 'topic' | 'partitions' | 'now'>,
  targets: readonly (number | null | undefined)[] = [],
): Promise<void> {
  const at = now();
  const lanes = Array.from({ length: partitions }, (_, lane) => lane);
  const messages = [
    ...lanes.flatMap((lane) => seeds.map((seed) => recordMessage(topic, lane, seed))),
    ...targets.flatMap((total, lane) => (total === undefined ? [] : [targetMessage(topic, lane, total, at)])),
  ];
  crashPoint('seeds.append.before');
  // With the seeds, or a crash between the two would bury the bad lines a second time.
  await topics.append([...dead.map((letter) => recordMessage('dead-letters', 0, letter)), ...messages]);
  crashPoint('seeds.append.after');
}

/**
 * Real records or documents into their topic, partition by turns. With `resume`, lines that an earlier load has read are passed
 * over, so that an interrupted load goes on where it ended, in the same partition.
 */
export async function loadRecords(
  kind: 'real' | 'documents',
  options: LoadOptions,
  resume: boolean,
): Promise<InputCounts> {
  const { topics, topic, partitions, signal } = options;
  await topics.ensure([{ name: progressTopic, partitions: 1, cleanup: 'compact' }]);
  const loaded = await loadedLines(topics, topic);
  const input = readInput({ ...options, kind });
  let turn = resume ? await recordsIn(topics, topic) : 0;
  let batch: Message[] = [];
  /** The last line of each file in the batch. */
  let lines = new Map<string, number>();

  /** Records and dead letters go with the place that they end at, so none of them is written again. */
  async function append(): Promise<void> {
    const progress = [...lines].map(([file, line]) => progressMessage(topic, file, line));
    crashPoint(`${kind}.append.before`);
    await topics.append([...batch, ...progress]);
    crashPoint(`${kind}.append.after`);
    batch = [];
    lines = new Map();
    options.progress?.(input.counts);
  }

  for await (const item of input) {
    if (signal?.aborted) break;
    const { file = '', line = 0 } = item.origin;
    const place = placeOf(options, file);
    const before = loaded.get(place) ?? 0;
    if (resume && line <= before) continue;
    lines.set(place, Math.max(line, before));
    batch.push(
      item.kind === 'dead-letter'
        ? recordMessage('dead-letters', 0, item)
        : recordMessage(topic, turn++ % partitions, item),
    );
    if (batch.length >= batchSize) await append();
  }
  if (batch.length > 0) await append();
  options.progress?.(input.counts);
  return input.counts;
}

/** The same for the same file, whatever folder it was named from; a package or standard input is its own name. */
function placeOf({ source, base }: LoadOptions, file: string): string {
  return typeof source === 'string' && file !== '-' ? resolvePath(base, file) : file;
}

/** How far each file was loaded: the last line, by topic and file. */
const progressTopic = stateTopic('load');
const progressSchema = z.object({ topic: z.string(), file: z.string(), line: z.int() });

function progressMessage(topic: string, file: string, line: number): Message {
  const value = new TextEncoder().encode(JSON.stringify({ topic, file, line }));
  // A hash, since the keys of a log are shorter than paths may be.
  return { topic: progressTopic, partition: 0, key: recordId('load', topic, file), value };
}

/** The last line of each file that was loaded into a topic. */
async function loadedLines(topics: Topics, topic: string): Promise<ReadonlyMap<string, number>> {
  const lines = new Map<string, number>();
  for await (const { value } of readAll(topics, progressTopic, 0)) {
    if (value === null) continue;
    const loaded = progressSchema.parse(parseJson(value));
    if (loaded.topic === topic) lines.set(loaded.file, loaded.line);
  }
  return lines;
}

/** All records that a topic ever had. */
async function recordsIn(topics: Topics, topic: string): Promise<number> {
  return (await topics.offsets(topic)).reduce((sum, { high }) => sum + high, 0);
}

function sourceName(source: LoadOptions['source']): string {
  return typeof source === 'string' ? source : source.module;
}
