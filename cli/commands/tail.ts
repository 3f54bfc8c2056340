import { type AnyRecord, decode } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { follow } from '../../streams/follow.js';
import { readAll } from '../../streams/stage/read-all.js';
import type { PartitionOffsets, StoredMessage, Topics } from '../../streams/topics.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { openPipeline, type PipelineOptions } from '../run/kept-run.js';
import { interruption } from '../signals.js';

export interface TailOptions extends PipelineOptions {
  readonly topic: string;
  /** `earliest`, `latest` (the last ten of each partition) or an offset. */
  readonly from: string;
  readonly follow: boolean;
}

const latest = 10;

/** `headwater tail`: the records of a topic, decoded; with `--json` an array, or an object a line while following. */
export async function tail(options: TailOptions, io: Io): Promise<number> {
  const { topics } = await openPipeline(options);
  const interrupted = interruption();
  try {
    const starts = await startsOf(topics, options);
    if (options.follow) {
      await Promise.all(
        starts.map((from, partition) => followed(topics, options.topic, partition, from, interrupted.soon, io)),
      );
      return exitCodes.interrupted;
    }
    const shown: unknown[] = [];
    for (const [partition, from] of starts.entries()) {
      for await (const message of readAll(topics, options.topic, partition, from)) {
        if (io.json) shown.push(described(message));
        else io.out(`${line(message)}\n`);
      }
    }
    if (io.json) io.out(`${JSON.stringify(shown, null, 2)}\n`);
    return exitCodes.done;
  } finally {
    interrupted.release();
    await topics.close();
  }
}

async function followed(
  topics: Topics,
  topic: string,
  partition: number,
  from: number,
  signal: AbortSignal,
  io: Io,
): Promise<void> {
  for await (const message of follow(topics, topic, partition, from, signal)) {
    io.out(`${io.json ? JSON.stringify(described(message)) : line(message)}\n`);
  }
}

async function startsOf(topics: Topics, { topic, from }: TailOptions): Promise<readonly number[]> {
  const partitions = await topics.offsets(topic);
  if (from === 'earliest') return partitions.map(({ low }) => low);
  if (from === 'latest')
    return Promise.all(partitions.map((offsets, partition) => lastOf(topics, topic, partition, offsets)));
  const offset = Number(from);
  if (Number.isInteger(offset) && offset >= 0) return partitions.map(() => offset);
  throw new HeadwaterError('recipe-invalid', `--from: expected earliest, latest or an offset from 0, not '${from}'`);
}

/** Where the last messages begin: on Kafka some offsets have none, so some more are looked at. */
async function lastOf(
  topics: Topics,
  topic: string,
  partition: number,
  { low, high }: PartitionOffsets,
): Promise<number> {
  const offsets: number[] = [];
  for await (const { offset } of readAll(topics, topic, partition, Math.max(low, high - 4 * latest)))
    offsets.push(offset);
  return offsets.at(-latest) ?? offsets[0] ?? high;
}

function described(message: StoredMessage): Readonly<Record<string, unknown>> {
  const { topic, partition, offset, key, headers, timestamp } = message;
  return { topic, partition, offset, key, headers, timestamp, value: contentOf(message) };
}

function line(message: StoredMessage): string {
  const { partition, offset, timestamp } = message;
  return `${new Date(timestamp).toISOString()} ${partition}/${offset} ${JSON.stringify(contentOf(message))}`;
}

/** The record; or, on topics of state and journals, the JSON or text that is there. */
function contentOf({ value, headers }: StoredMessage): unknown {
  if (value === null) return null;
  try {
    return printable(decode(value, headers));
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error;
  }
  const text = Buffer.from(value).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Vectors as plain arrays. */
function printable(record: AnyRecord): unknown {
  if (record.kind !== 'sample' || record.embedding === undefined) return record;
  return { ...record, embedding: [...record.embedding] };
}
