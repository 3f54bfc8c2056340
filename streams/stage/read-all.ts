import type { StoredMessage, Topics } from '../topics.js';

const bounds = { maxRecords: 1000, maxBytes: 4 * 2 ** 20 };

/** The committed messages of a partition from an offset to the end as it is when reading gets there. */
export async function* readAll(
  topics: Topics,
  topic: string,
  partition: number,
  from = 0,
): AsyncGenerator<StoredMessage, void, undefined> {
  for await (const page of readPages(topics, topic, partition, from)) yield* page;
}

/** The same in pages of up to a thousand messages, for those to whom a wait at each message is too much. */
export async function* readPages(
  topics: Topics,
  topic: string,
  partition: number,
  from = 0,
): AsyncGenerator<readonly StoredMessage[], void, undefined> {
  let next = from;
  while (true) {
    const page = await topics.read(topic, partition, next, bounds);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    next = last.offset + 1;
  }
}
