import { isAbsolute, relative, resolve as resolvePath } from 'node:path';

import type { RecordOfKind } from '../../schemas/codec.js';
import type { DeadLetter } from '../../schemas/dead-letter.js';
import type { Domain } from '../../schemas/domain.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { recordId } from '../../schemas/ids.js';
import type { Seed } from '../../schemas/seed.js';
import { crashPoint } from '../crash-point.js';
import { deadLine } from '../inputs/dead-line.js';
import { type InputCounts, type InputOptions, readInput } from '../inputs/read-input.js';
import type { InputKind } from '../inputs/to-record.js';
import { recordMessage } from '../record-message.js';
import type { Message, Topics } from '../topics.js';
import { valueLimit } from '../value-limit.js';
import { tooFew } from './least-of.js';
import { loadedBefore, loadTopic, progressMessage } from './load-progress.js';
import { type Target, targetMessage } from './targets.js';

export interface LoadOptions {
  readonly topics: Topics;
  /** Where the records go. */
  readonly topic: string;
  readonly partitions: number;
  readonly source: InputOptions<'real'>['source'];
  readonly base: string;
  /** Files below it are known by their place in it, so that workers with other folders know them too. @default `base` */
  readonly root?: string;
  readonly domain: Domain;
  readonly now: () => number;
  readonly signal?: AbortSignal;
  /** Records that there must be at the end of a load with `resume`. @default 0 */
  readonly least?: number;
  /** Whether a `loaded` tick tells each lane that all records have come. @default all but real ones */
  readonly tellsEnd?: boolean;
  readonly progress?: (counts: InputCounts) => void;
  /** How records are written, all or nothing. @default to the topics, as they are */
  readonly append?: (messages: readonly Message[]) => Promise<unknown>;
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
  read: Pick<ReadSeeds, 'seeds' | 'dead'>,
  options: Pick<LoadOptions, 'topics' | 'topic' | 'partitions' | 'now'>,
  targets: readonly (Target | undefined)[] = [],
): Promise<void> {
  await options.topics.append(seedMessages(read, options, targets));
}

/** The same as messages. With the seeds go the bad lines, or a crash between the two would bury these a second time. */
export function seedMessages(
  { seeds, dead }: Pick<ReadSeeds, 'seeds' | 'dead'>,
  { topic, partitions, now }: Pick<LoadOptions, 'topic' | 'partitions' | 'now'>,
  targets: readonly (Target | undefined)[] = [],
): readonly Message[] {
  const at = now();
  const lanes = Array.from({ length: partitions }, (_, lane) => lane);
  return [
    ...dead.map((letter) => recordMessage('dead-letters', 0, letter)),
    ...lanes.flatMap((lane) => seeds.map((seed) => recordMessage(topic, lane, seed))),
    ...targets.flatMap((target, lane) => (target === undefined ? [] : [targetMessage(topic, lane, target, at)])),
  ];
}

/** What is loaded record by record, partition by turns. */
export type LoadKind = Exclude<InputKind, 'seeds'>;

/**
 * Real records, documents or given texts into their topic, partition by turns. With `resume`, lines that an earlier load has read are
 * passed over, so that an interrupted load goes on where it ended, in the same partition; and at its end, a `loaded` tick may tell
 * each lane that all records have come, behind one of them for each lane that had none. Throws
 * `input-unreadable` for an input with fewer than `least` records.
 */
export async function loadRecords(kind: LoadKind, options: LoadOptions, resume: boolean): Promise<InputCounts> {
  const { topics, topic, partitions, signal, append: write = (messages) => topics.append(messages) } = options;
  await topics.ensure([loadTopic]);
  const { lines: loaded, records } = await loadedBefore(topics, topic);
  const input = readInput({ ...options, kind });
  /** One for each lane, where there are as many. */
  const first: RecordOfKind<'document' | 'given' | 'real'>[] = [];
  let turn = records;
  let batch: Message[] = [];
  /** The last line of each file in the batch. */
  let lines = new Map<string, number>();

  /** Records and dead letters go with the place that they end at, so none of them is written again. */
  async function append(): Promise<void> {
    const progress = [...lines].map(([file, line]) => progressMessage({ topic, file, line, records: turn }));
    crashPoint(`${kind}.append.before`);
    await write([...batch, ...progress]);
    crashPoint(`${kind}.append.after`);
    batch = [];
    lines = new Map();
    options.progress?.(input.counts);
  }

  const limit = valueLimit(topics);

  function isTaken(item: RecordOfKind<'real' | 'document' | 'given'>): boolean {
    return (recordMessage(topic, 0, item).value?.byteLength ?? 0) <= limit;
  }

  /** A record on its partition, or, where the topics take none of its size, as a dead letter. */
  function placed(item: RecordOfKind<'real' | 'document' | 'given'>, file: string, line: number): Message {
    const message = recordMessage(topic, turn % partitions, item);
    const bytes = message.value ?? new Uint8Array();
    if (bytes.byteLength > limit) {
      const why = `the record has ${bytes.byteLength} bytes, and the topics take ${limit}`;
      const fault = { kind: 'fault', line, code: 'record-too-large', message: why, bytes, cut: false } as const;
      return recordMessage('dead-letters', 0, deadLine(fault, file, options.now()));
    }
    turn++;
    return message;
  }

  for await (const item of input) {
    if (signal?.aborted) break;
    const { file = '', line = 0 } = item.origin;
    if (item.kind !== 'dead-letter' && first.length < partitions && isTaken(item)) first.push(item);
    const place = placeOf(options, file);
    const before = loaded.get(place) ?? 0;
    if (resume && line <= before) continue;
    lines.set(place, Math.max(line, before));
    batch.push(item.kind === 'dead-letter' ? recordMessage('dead-letters', 0, item) : placed(item, file, line));
    if (batch.length >= batchSize) await append();
  }
  if (batch.length > 0) await append();
  if (resume && !signal?.aborted) {
    const { source, least = 0, tellsEnd = kind !== 'real' } = options;
    const wrong = tooFew({ name: sourceName(source), records: turn, least, partitions });
    if (wrong !== undefined) throw new HeadwaterError('input-unreadable', `inputs.${kind}: ${wrong}`);
    // Once for as many records as there are: a restart that finds no more of them says nothing.
    if (tellsEnd && loaded.get(endMark) !== turn) {
      await write([
        ...ending(kind, first, turn, options),
        progressMessage({ topic, file: endMark, line: turn, records: turn }),
      ]);
    }
  }
  options.progress?.(input.counts);
  return input.counts;
}

/** In place of a file: how many records there were when all files had been read. */
const endMark = '#loaded';

/** The end of an input, for every lane: one without a record of its own shares one, or it would wait for ever. */
function ending(
  kind: LoadKind,
  first: readonly RecordOfKind<'document' | 'given' | 'real'>[],
  records: number,
  { topic, partitions, now }: LoadOptions,
): readonly Message[] {
  return Array.from({ length: partitions }, (_, lane) => {
    const shared = lane >= records ? first[lane % first.length] : undefined;
    const id = recordId('tick', 'loaded', kind, lane, records);
    const tick = { kind: 'tick', id, lane, reason: 'loaded', input: kind, total: records, at: now() } as const;
    const messages = [recordMessage(topic, lane, tick)];
    return shared === undefined ? messages : [recordMessage(topic, lane, shared), ...messages];
  }).flat();
}

/** The same for the same file, whatever folder it was named from; a package or standard input is its own name. */
function placeOf({ source, base, root = base }: LoadOptions, file: string): string {
  if (typeof source !== 'string' || file === '-') return file;
  const path = resolvePath(base, file);
  const inRoot = relative(root, path);
  return inRoot.startsWith('..') || isAbsolute(inRoot) ? path : inRoot;
}

function sourceName(source: LoadOptions['source']): string {
  return typeof source === 'string' ? source : source.module;
}
