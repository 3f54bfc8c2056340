import { setTimeout as delay } from 'node:timers/promises';

import type { StoredMessage, Topics } from './topics.js';

const bounds = { maxRecords: 500, maxBytes: 4 * 2 ** 20 };
const idleMs = 200;

/**
 * The messages of a partition from an offset on, as they are committed, until the signal is aborted. For readers outside
 * consumer groups: `tail`, and those who wait for the end of a river. An idle reader looks again five times a second.
 */
export async function* follow(
  topics: Topics,
  topic: string,
  partition: number,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<StoredMessage, void, undefined> {
  let next = from;
  while (!signal.aborted) {
    const batch = await topics.read(topic, partition, next, bounds);
    for (const message of batch) {
      if (signal.aborted) return;
      yield message;
      next = message.offset + 1;
    }
    if (batch.length === 0) await delay(idleMs, undefined, { signal, ref: true }).catch(() => undefined);
  }
}
