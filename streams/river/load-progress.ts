import { z } from 'zod';

import { parseJson } from '../../schemas/codec.js';
import { recordId } from '../../schemas/ids.js';
import { readAll } from '../stage/read-all.js';
import { stateTopic } from '../stage/stage.js';
import type { Message, TopicSpec, Topics } from '../topics.js';

/** How far each file was loaded: the last line, and the records of all files until then, by topic and file. */
export const loadTopic: TopicSpec = { name: stateTopic('load'), partitions: 1, cleanup: 'compact' };
const progressSchema = z.object({ topic: z.string(), file: z.string(), line: z.int(), records: z.int().default(0) });
type LoadProgress = z.infer<typeof progressSchema>;

export function progressMessage(progress: LoadProgress): Message {
  const value = new TextEncoder().encode(JSON.stringify(progress));
  // A hash, since the keys of a log are shorter than paths may be.
  return { topic: loadTopic.name, partition: 0, key: recordId('load', progress.topic, progress.file), value };
}

/** What was loaded into a topic: the last line of each file, and how many records there are. */
export async function loadedBefore(topics: Topics, topic: string) {
  const lines = new Map<string, number>();
  let records = 0;
  for await (const { value } of readAll(topics, loadTopic.name, 0)) {
    if (value === null) continue;
    const loaded = progressSchema.parse(parseJson(value));
    if (loaded.topic !== topic) continue;
    lines.set(loaded.file, loaded.line);
    records = Math.max(records, loaded.records);
  }
  return { lines, records };
}
