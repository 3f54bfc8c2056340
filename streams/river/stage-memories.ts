import { parseJson } from '../../schemas/codec.js';
import { readAll } from '../stage/read-all.js';
import { stateTopic } from '../stage/stage.js';
import type { Topics } from '../topics.js';

/** What a stage's memory holds in each partition under the keys that are wanted; only these are kept and parsed. */
export async function stageMemories(
  topics: Topics,
  stage: string,
  isWanted: (key: string) => boolean,
): Promise<readonly ReadonlyMap<string, unknown>[]> {
  const topic = stateTopic(stage);
  const partitions = await topics.offsets(topic);
  return Promise.all(partitions.map((_, partition) => partitionMemory(topics, topic, partition, isWanted)));
}

async function partitionMemory(
  topics: Topics,
  topic: string,
  partition: number,
  isWanted: (key: string) => boolean,
): Promise<ReadonlyMap<string, unknown>> {
  const newest = new Map<string, Uint8Array>();
  for await (const { key, value } of readAll(topics, topic, partition)) {
    if (key === null || !isWanted(key)) continue;
    if (value === null) newest.delete(key);
    else newest.set(key, value);
  }
  return new Map([...newest].map(([key, value]) => [key, parseJson(value)]));
}
