import { readAll } from '../stage/read-all.js';
import type { Topics } from '../topics.js';

/** A consumer group with the topics that it must have consumed. */
interface Consumer {
  readonly name: string;
  readonly inputs: readonly string[];
}

/** What flows from stage to stage: nothing of it is left when a river has ended. */
const flowing = new Set([
  'plans',
  'reasoned',
  'drafts',
  'refined',
  'samples',
  'corrections',
  'ticks',
  'ledger',
  'shards',
]);

/** Whether a topic is one of those. */
export function isFlowing(topic: string): boolean {
  return flowing.has(topic);
}

/**
 * Whether consumers have committed all that their topics hold. Looks twice: while one topic is looked at, a stage may still write
 * to another one; where nobody has committed anything between two looks, nobody did.
 */
export async function isDry(topics: Topics, consumers: readonly Consumer[]): Promise<boolean> {
  const first = await look(topics, consumers);
  return first !== undefined && first === (await look(topics, consumers));
}

/** What is committed, as one text; undefined where something is left. */
async function look(topics: Topics, consumers: readonly Consumer[]): Promise<string | undefined> {
  const seen: string[] = [];
  for (const { name, inputs } of consumers) {
    const committed = await topics.committed(name);
    for (const topic of inputs) {
      for (const [partition, { low, high, pending }] of (await topics.offsets(topic)).entries()) {
        const mine = committed.find((offset) => offset.topic === topic && offset.partition === partition);
        const next = Math.max(low, mine?.offset ?? 0);
        if (pending || (next < high && (await hasMore(topics, topic, partition, next)))) return undefined;
        seen.push(`${name}/${topic}/${partition}/${next}`);
      }
    }
  }
  return seen.join();
}

/** How many messages a consumer has not committed; counts to `most` and one at the most. Offsets alone would count marks of transactions. */
export async function uncommitted(topics: Topics, { name, inputs }: Consumer, most: number): Promise<number> {
  const committed = await topics.committed(name);
  let count = 0;
  for (const topic of inputs) {
    for (const partition of (await topics.offsets(topic)).keys()) {
      const mine = committed.find((offset) => offset.topic === topic && offset.partition === partition);
      for await (const _ of readAll(topics, topic, partition, mine?.offset ?? 0)) {
        count += 1;
        if (count > most) return count;
      }
    }
  }
  return count;
}

/** Whether there is a message: an offset below the end need not have one. */
export async function hasMore(topics: Topics, topic: string, partition: number, from: number): Promise<boolean> {
  return (await topics.read(topic, partition, from, { maxRecords: 1, maxBytes: 1 })).length > 0;
}

/** Whether the stages that ever ran have nothing left to do: a crash may leave some after the last `complete` tick. */
export async function hasEnded(topics: Topics, stages: readonly string[]): Promise<boolean> {
  const consumers = await Promise.all(
    stages.map(async (name) => {
      const consumed = (await topics.committed(name)).map(({ topic }) => topic);
      return { name, inputs: [...new Set(consumed)].filter(isFlowing) };
    }),
  );
  return isDry(topics, consumers);
}
