import type { StoredMessage, Topics } from '../topics.js';

const bounds = { maxRecords: 1000, maxBytes: 4 * 2 ** 20 };

/** The committed messages of a partition from an offset to the end as it is when reading gets there. */
export async function* readAll(
  topics: Topics,
  topic: string,
  partition: number,
  from = 0,
): AsyncGenerator<StoredMessage, void, undefined> {
  let next = from;
  while (true) {
    const batch = await topics.read(topic, partition, next, bounds);
    yield* batch;
    const last = batch[batch.length - 1];
    if (last === undefined) return;
    next = last.offset + 1;
  }
}
