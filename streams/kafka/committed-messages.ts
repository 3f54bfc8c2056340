import type { FetchedPartition, FetchedRecord } from 'kafkajs/src/cluster/index.js';

import type { StoredMessage } from '../topics.js';

/** What a fetch brought of one partition. */
export interface Fetched {
  readonly messages: readonly StoredMessage[];
  /** Where to read on: behind the last record, also one that is not shown. */
  readonly next: number;
}

const abortMarker = 0;

/**
 * The committed messages of a fetched partition from an offset on: without control records, and without those of transactions
 * that were aborted. A marker is told by its batch, not by its key, which any record may have.
 */
export function committedMessages(topic: string, fetched: FetchedPartition, from: number): Fetched {
  const aborted = fetched.abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: Number(firstOffset) }))
    .sort((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<string>();
  const messages: StoredMessage[] = [];
  let next = from;
  let seen = 0;
  for (const record of fetched.messages) {
    const offset = Number(record.offset);
    for (let first = aborted[seen]; first !== undefined && offset >= first.firstOffset; first = aborted[++seen]) {
      aborting.add(first.producerId);
    }
    next = Math.max(next, offset + 1);
    const { producerId, inTransaction } = record.batchContext;
    if (record.isControlRecord) {
      if (markerType(record) === abortMarker) aborting.delete(producerId);
    } else if (offset >= from && !(inTransaction && aborting.has(producerId))) {
      messages.push(stored(topic, fetched.partition, offset, record));
    }
  }
  return { messages, next };
}

/** A marker's key holds its version and its type, of two bytes each. */
function markerType({ key }: FetchedRecord): number | undefined {
  return key !== null && key.byteLength >= 4 ? key.readInt16BE(2) : undefined;
}

function stored(topic: string, partition: number, offset: number, record: FetchedRecord): StoredMessage {
  const { key, value, headers, timestamp } = record;
  return {
    topic,
    partition,
    offset,
    key: key === null ? null : key.toString('utf8'),
    value,
    headers: textHeaders(headers),
    timestamp: Number(timestamp),
  };
}

/** Of headers that are there several times, the last. */
function textHeaders(headers: FetchedRecord['headers']): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined && last !== null) texts[name] = last.toString('utf8');
  }
  return texts;
}
