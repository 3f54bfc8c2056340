import type { Bounds, StoredMessage } from '../topics.js';
import { decodeBlock, MessageBatch } from './block.js';
import type { Store, StoredTopic } from './store.js';

/** Committed messages of a partition from an offset on, within bounds; empty at its end. */
export function readPartition(
  store: Store,
  topic: StoredTopic,
  partition: number,
  from: number,
  bounds: Bounds,
): readonly StoredMessage[] {
  const batch = new MessageBatch(bounds);
  const start: [number, number, number] = [topic.id, partition, blockAt(store, topic, partition, from)];
  for (const { key, value } of store.blocks.getRange({ start, end: endOfPartition(topic, partition) })) {
    const place = { topic: topic.spec.name, partition, base: key[2] };
    if (!decodeBlock(value, place, from, batch)) break;
    if (batch.messages.length >= bounds.maxRecords) break;
  }
  return batch.messages;
}

/** A key after all blocks of a partition. */
export function endOfPartition(topic: StoredTopic, partition: number): [number, number, number] {
  return [topic.id, partition, Number.POSITIVE_INFINITY];
}

/** The first offset of the block that holds `offset`, or of a later one. */
function blockAt(store: Store, topic: StoredTopic, partition: number, offset: number): number {
  const range = {
    start: [topic.id, partition, offset],
    end: [topic.id, partition, -1],
    reverse: true,
    limit: 1,
  };
  for (const key of store.blocks.getKeys(range)) return key[2];
  return 0;
}
