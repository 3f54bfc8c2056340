import type { SentPrompt } from '../../operators/prompting/prompts-of.js';
import { type AnyRecord, decode } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Recipe } from '../../schemas/recipe.js';
import { follow } from '../../streams/follow.js';
import { readAll } from '../../streams/stage/read-all.js';
import type { PartitionOffsets, StoredMessage, Topics } from '../../streams/topics.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { openPipeline, type PipelineOptions } from '../run/kept-run.js';
import { promptText, SentPrompts } from '../run/sent-prompts.js';
import { interruption } from '../signals.js';

export interface TailOptions extends PipelineOptions {
  readonly topic: string;
  /** `earliest`, `latest` (the last ten of each partition) or an offset. */
  readonly from: string;
  readonly follow: boolean;
  /** After each record of `reasoned`, `drafts` or `refined`, the prompts that it came from. */
  readonly prompts?: boolean;
}

const latest = 10;
const prompted = ['reasoned', 'drafts', 'refined'];

/** `headwater tail`: the records of a topic, decoded; with `--json` an array, or an object a line while following. */
export async function tail(options: TailOptions, io: Io): Promise<number> {
  if (options.prompts === true && !prompted.includes(options.topic)) {
    const what = `--prompts: records of ${options.topic} come from no prompt: ask for ${prompted.join(' or ')}`;
    throw new HeadwaterError('recipe-invalid', what);
  }
  const { topics, recipe } = await openPipeline(options);
  const interrupted = interruption();
  try {
    const starts = await startsOf(topics, options);
    const shownOf = (partition: number) => shower(topics, recipe, partition, options.prompts === true);
    if (options.follow) {
      await Promise.all(
        starts.map((from, partition) =>
          followed(topics, options.topic, partition, from, shownOf(partition), interrupted.soon, io),
        ),
      );
      return exitCodes.interrupted;
    }
    const all: unknown[] = [];
    for (const [partition, from] of starts.entries()) {
      const show = shownOf(partition);
      for await (const message of readAll(topics, options.topic, partition, from)) {
        const shown = await show(message);
        if (io.json) all.push(described(shown));
        else io.out(lines(shown));
      }
    }
    if (io.json) io.out(`${JSON.stringify(all, null, 2)}\n`);
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
  show: Show,
  signal: AbortSignal,
  io: Io,
): Promise<void> {
  for await (const message of follow(topics, topic, partition, from, signal)) {
    const shown = await show(message);
    io.out(io.json ? `${JSON.stringify(described(shown))}\n` : lines(shown));
  }
}

/** A message with what is shown beside it. */
interface Shown {
  readonly message: StoredMessage;
  readonly prompts?: readonly SentPrompt[];
}

type Show = (message: StoredMessage) => Promise<Shown>;

function shower(topics: Topics, recipe: Recipe, partition: number, withPrompts: boolean): Show {
  if (!withPrompts) return async (message) => ({ message });
  const sent = new SentPrompts(recipe, topics, partition);
  return async (message) => {
    const record = recordIn(message);
    return { message, prompts: record === undefined ? [] : await sent.of(record) };
  };
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

function described({ message, prompts }: Shown): Readonly<Record<string, unknown>> {
  const { topic, partition, offset, key, headers, timestamp } = message;
  const value = contentOf(message);
  return { topic, partition, offset, key, headers, timestamp, value, ...(prompts && { prompts }) };
}

function lines({ message, prompts = [] }: Shown): string {
  const { partition, offset, timestamp } = message;
  const record = `${new Date(timestamp).toISOString()} ${partition}/${offset} ${JSON.stringify(contentOf(message))}\n`;
  return record + prompts.map(promptText).join('');
}

/** The record; or, on topics of state and journals, the JSON or text that is there. */
function contentOf(message: StoredMessage): unknown {
  const { value } = message;
  if (value === null) return null;
  const record = recordIn(message);
  if (record !== undefined) return printable(record);
  const text = Buffer.from(value).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Undefined for what is no record of ours. */
function recordIn({ value, headers }: StoredMessage): AnyRecord | undefined {
  if (value === null) return undefined;
  try {
    return decode(value, headers);
  } catch (error) {
    if (error instanceof HeadwaterError) return undefined;
    throw error;
  }
}

/** Vectors as plain arrays. */
function printable(record: AnyRecord): unknown {
  if (record.kind !== 'sample' || record.embedding === undefined) return record;
  return { ...record, embedding: [...record.embedding] };
}
