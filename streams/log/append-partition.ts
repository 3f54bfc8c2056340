import { createHash } from 'node:crypto';

import type { Message } from '../topics.js';
import { blockHeader, encodeBlocks } from './block.js';
import { endOfPartition } from './read-partition.js';
import type { Mark, Store, StoredTopic } from './store.js';

/** Appends messages as blocks and drops the oldest blocks beyond the retention; the partition's new mark. */
export function appendDelete(
  store: Store,
  topic: StoredTopic,
  partition: number,
  mark: Mark,
  messages: readonly Message[],
  now: number,
): Mark {
  const blocks = encodeBlocks(messages, now);
  const added = blocks.reduce((sum, block) => sum + block.bytes.byteLength, 0);
  const kept = dropOldest(store, topic, partition, { ...mark, bytes: mark.bytes + added }, now);
  let { high } = kept;
  for (const block of blocks) {
    store.blocks.put([topic.id, partition, high], block.bytes);
    high += block.count;
  }
  return { ...kept, high, oldest: kept.oldest ?? blocks[0]?.newest ?? null };
}

/**
 * Appends messages, one a block, each in place of the older one of its key. A null value removes the key at once and leaves only a
 * gap in the offsets.
 */
export function appendCompact(
  store: Store,
  topic: StoredTopic,
  partition: number,
  mark: Mark,
  messages: readonly Message[],
  now: number,
): Mark {
  let { high } = mark;
  for (const message of messages) {
    const index: [number, number, string] = [topic.id, partition, digest(message.key ?? '')];
    const older = store.keys.get(index);
    if (older !== undefined) store.blocks.remove([topic.id, partition, older]);
    if (message.value !== null) {
      for (const block of encodeBlocks([message], now)) store.blocks.put([topic.id, partition, high], block.bytes);
      store.keys.put(index, high);
    } else if (older !== undefined) {
      store.keys.remove(index);
    }
    high += 1;
  }
  return { ...mark, high };
}

function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64');
}

/**
 * Whole blocks go, oldest first, while the partition is beyond its retention; what a group that ever joined has not consumed
 * stays, so that nothing is lost unseen.
 */
function dropOldest(store: Store, topic: StoredTopic, partition: number, mark: Mark, now: number): Mark {
  if (!isBeyond(topic, mark, now)) return mark;
  const consumed = consumedByAll(store, topic.spec.name, partition);
  const dropped: [number, number, number][] = [];
  let kept: Mark = { ...mark, low: mark.high, oldest: null };
  let { bytes } = mark;
  const range = { start: [topic.id, partition, 0], end: endOfPartition(topic, partition) };
  for (const { key, value } of store.blocks.getRange(range)) {
    const { count, newest } = blockHeader(value);
    if (key[2] + count > consumed || !isBeyond(topic, { bytes, oldest: newest }, now)) {
      kept = { ...mark, low: key[2], oldest: newest };
      break;
    }
    dropped.push(key);
    bytes -= value.byteLength;
  }
  for (const key of dropped) store.blocks.remove(key);
  return { ...kept, bytes };
}

function isBeyond({ spec }: StoredTopic, mark: Pick<Mark, 'bytes' | 'oldest'>, now: number): boolean {
  const { bytes = Number.POSITIVE_INFINITY, ageMs = Number.POSITIVE_INFINITY } = spec.retention ?? {};
  return mark.bytes > bytes || (mark.oldest !== null && mark.oldest < now - ageMs);
}

function consumedByAll(store: Store, topic: string, partition: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { value } of store.offsets.getRange({ start: [topic, partition], end: [topic, partition + 1] })) {
    least = Math.min(least, value);
  }
  return least;
}
