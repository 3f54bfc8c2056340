import { decode } from '../../schemas/codec.js';
import type { DeadLetter } from '../../schemas/dead-letter.js';
import type { Domain } from '../../schemas/domain.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Seed } from '../../schemas/seed.js';
import { crashPoint } from '../crash-point.js';
import { type InputCounts, type InputOptions, readInput } from '../inputs/read-input.js';
import { recordMessage } from '../record-message.js';
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
/** Enough of a partition's end to find the last line that was loaded. */
const tailLength = 64;

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
  targets: readonly (number | null)[] = [],
): Promise<void> {
  const at = now();
  const lanes = Array.from({ length: partitions }, (_, lane) => lane);
  const messages = [
    ...lanes.flatMap((lane) => seeds.map((seed) => recordMessage(topic, lane, seed))),
    ...targets.map((total, lane) => targetMessage(topic, lane, total, at)),
  ];
  if (dead.length > 0) await topics.append(dead.map((letter) => recordMessage('dead-letters', 0, letter)));
  await topics.append(messages);
}

/**
 * Real records or documents into their topic, partition by turns. With `resume`, lines up to the last one that the topic
 * already holds of this source are passed over, so that an interrupted load goes on.
 */
export async function loadRecords(
  kind: 'real' | 'documents',
  options: LoadOptions,
  resume: boolean,
): Promise<InputCounts> {
  const { topics, topic, partitions, signal } = options;
  const loaded = resume ? await loadedLines(topics, topic) : new Map<string, number>();
  const input = readInput({ ...options, kind });
  let batch: Message[] = [];
  let turn = 0;
  const append = async (messages: readonly Message[]) => {
    crashPoint(`${topic}.append.before`);
    await topics.append(messages);
    crashPoint(`${topic}.append.after`);
  };
  for await (const item of input) {
    if (signal?.aborted) break;
    const { file, line } = item.origin;
    if (file !== undefined && line !== undefined && line <= (loaded.get(file) ?? 0)) continue;
    batch.push(
      item.kind === 'dead-letter'
        ? recordMessage('dead-letters', 0, item)
        : recordMessage(topic, turn++ % partitions, item),
    );
    if (batch.length < batchSize) continue;
    await append(batch);
    batch = [];
    options.progress?.(input.counts);
  }
  if (batch.length > 0) await append(batch);
  options.progress?.(input.counts);
  return input.counts;
}

/** The last line of each file that a topic holds, from the ends of its partitions. */
async function loadedLines(topics: Topics, topic: string): Promise<ReadonlyMap<string, number>> {
  const lines = new Map<string, number>();
  for (const [partition, { high }] of (await topics.offsets(topic)).entries()) {
    const bounds = { maxRecords: tailLength, maxBytes: 64 * 2 ** 20 };
    for (const { value, headers } of await topics.read(topic, partition, Math.max(0, high - tailLength), bounds)) {
      if (value === null) continue;
      const record = decode(value, headers);
      if (!('origin' in record)) continue;
      const { file, line } = record.origin;
      if (file !== undefined && line !== undefined) lines.set(file, Math.max(line, lines.get(file) ?? 0));
    }
  }
  return lines;
}

function sourceName(source: LoadOptions['source']): string {
  return typeof source === 'string' ? source : source.module;
}
