import type { Changes } from '../../operators/flow/outcome.js';
import { parseJson } from '../../schemas/codec.js';
import type { Message, Task, Topics } from '../topics.js';
import { readAll } from './read-all.js';

const bytes = new TextEncoder();

/** How far a memory has come back. */
export interface RestoreProgress {
  /** Places of the state topic's partition that were read. */
  readonly read: number;
  /** All that there were when reading began. */
  readonly total: number;
}

/**
 * What an operator's memory held at the last commit: the newest value of each key of the stage's compacted state topic.
 * `progressed` is told of every place that was read.
 */
export async function restoreMemory(
  topic: string,
  task: Task,
  topics: Topics,
  progressed: (progress: RestoreProgress) => void = () => undefined,
): Promise<Map<string, unknown>> {
  const memory = new Map<string, unknown>();
  const { low, high } = (await topics.offsets(topic))[task.partition] ?? { low: 0, high: 0 };
  const total = high - low;
  progressed({ read: 0, total });
  for await (const { key, value, offset } of readAll(topics, topic, task.partition)) {
    progressed({ read: Math.min(offset + 1 - low, total), total });
    if (key === null) continue;
    if (value === null) memory.delete(key);
    else memory.set(key, parseJson(value));
  }
  return memory;
}

/** The changelog of a commit: the last change of each key, in the order of the changes. */
export function changelog(topic: string, partition: number, changes: Iterable<Changes>): readonly Message[] {
  const latest = new Map<string, unknown>();
  for (const list of changes) for (const [key, value] of list) latest.set(key, value);
  return [...latest].map(([key, value]) => ({
    topic,
    partition,
    key,
    value: value === null || value === undefined ? null : bytes.encode(JSON.stringify(value)),
  }));
}
