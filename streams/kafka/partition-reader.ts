import { setTimeout as delay } from 'node:timers/promises';

import type { default as Cluster, FetchRequest, FetchResponse } from 'kafkajs/src/cluster/index.js';

import type { Bounds, PartitionOffsets, StoredMessage } from '../topics.js';
import { committedMessages } from './committed-messages.js';
import { bytesOf, Leftovers } from './leftovers.js';
import type { TopicNames } from './topic-names.js';

/** A place to read from. */
export interface Cursor {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
}

/** What was read. */
export interface Scan {
  readonly messages: readonly StoredMessage[];
  /** Where to read on. */
  readonly next: number;
}

const readUncommitted = 0;
const readCommitted = 1;
const earliest = -2;
const latest = -1;
const leastFetchBytes = 64 * 2 ** 10;
const mostFetchBytes = 64 * 2 ** 20;

/**
 * Reads committed messages by position, outside consumer groups. Positions are Kafka's: control records and aborted messages take
 * offsets that no message has. What a fetch brings beyond the bounds is kept for the reader that comes for it: 32 MiB at most.
 */
export class PartitionReader {
  readonly #cluster: Cluster;
  readonly #leftovers: Leftovers;
  /** By topic, the mean of the last fetch. */
  readonly #messageBytes = new Map<string, number>();
  /** By broker: the fetch that opened its connection. */
  readonly #opened = new Map<number, Promise<void>>();

  constructor(
    cluster: Cluster,
    private readonly names: TopicNames,
    leftovers = new Leftovers(),
  ) {
    this.#cluster = cluster;
    this.#leftovers = leftovers;
  }

  close(): Promise<void> {
    return this.#cluster.disconnect();
  }

  /** The first messages from a position on; none where the last stable offset is reached. */
  async read(cursor: Cursor, bounds: Bounds): Promise<Scan> {
    const held = this.#leftovers.take(cursor);
    if (held !== undefined) return this.#within(cursor, held, bounds);
    let maxBytes = this.#fetchBytes(cursor.topic, bounds);
    for (let from = cursor.from; ; ) {
      const fetched = await this.#outOfRange(() => this.#fetchOne({ ...cursor, from }, maxBytes), undefined);
      if (fetched === undefined) {
        const { low, high } = await this.offsets(cursor.topic, cursor.partition);
        if (from >= low) return { messages: [], next: Math.min(from, high) };
        from = low;
        continue;
      }
      const { messages, next, end } = fetched;
      if (messages.length > 0) {
        this.#messageBytes.set(cursor.topic, bytesOf(messages) / messages.length);
        return this.#within({ ...cursor, from }, messages, bounds);
      }
      if (next >= end) return { messages: [], next };
      // Compaction may leave batches without records: only a larger fetch sees beyond them.
      if (next === from && maxBytes < mostFetchBytes) maxBytes *= 2;
      else from = Math.max(next, from + 1);
    }
  }

  /** Waits up to `waitMs` until some partitions have more: resolves with these. What has come is kept for `read`. */
  async wait(cursors: readonly Cursor[], waitMs: number): Promise<ReadonlySet<Cursor>> {
    const groups = [...(await this.#byLeader(cursors))];
    const ready = await Promise.all(
      groups.map(([nodeId, group]) => this.#outOfRange(() => this.#waitAt(nodeId, group, waitMs), group)),
    );
    return new Set(ready.flat());
  }

  /** Low mark and last stable offset of a partition. */
  async offsets(topic: string, partition: number): Promise<PartitionOffsets> {
    const [offsets] = await this.allOffsets(topic, [partition]);
    if (offsets === undefined) throw new Error(`nothing is known of partition ${partition} of ${topic}`);
    return offsets;
  }

  /** The same of some partitions, or of all. */
  async allOffsets(topic: string, wanted?: readonly number[]): Promise<readonly PartitionOffsets[]> {
    const onCluster = await this.#target(topic);
    return this.#reconnecting(async () => {
      await this.#cluster.refreshMetadataIfNecessary();
      const known = this.#cluster.findTopicPartitionMetadata(onCluster).map(({ partitionId }) => partitionId);
      const ids = wanted ?? known.toSorted((a, b) => a - b);
      const [lows, highs, ends] = await Promise.all([
        this.#listed(topic, ids, earliest, readCommitted),
        this.#listed(topic, ids, latest, readCommitted),
        this.#listed(topic, ids, latest, readUncommitted),
      ]);
      return ids.map((id) => {
        const [low, high, end] = [lows.get(id), highs.get(id), ends.get(id)];
        if (low === undefined || high === undefined || end === undefined) {
          throw new Error(`no offsets came of partition ${id} of ${topic}`);
        }
        return { low, high, ...(end > high ? { pending: true as const } : {}) };
      });
    });
  }

  /** Resolves when readers see a partition up to an offset. */
  async settled(topic: string, partition: number, offset: number): Promise<void> {
    for (let waitMs = 1; (await this.offsets(topic, partition)).high <= offset; waitMs = Math.min(2 * waitMs, 100)) {
      await delay(waitMs);
    }
  }

  async #listed(
    topic: string,
    ids: readonly number[],
    timestamp: number,
    isolationLevel: number,
  ): Promise<ReadonlyMap<number, number>> {
    const offsets = new Map<number, number>();
    const leaders = await this.#byLeader(ids.map((partition) => ({ topic, partition, from: 0 })));
    for (const [nodeId, cursors] of leaders) {
      const broker = await this.#cluster.findBroker({ nodeId });
      const partitions = cursors.map(({ partition }) => ({ partition, timestamp }));
      const { responses } = await broker.listOffsets({
        isolationLevel,
        topics: [{ topic: this.names.onCluster(topic), partitions }],
      });
      for (const { partition, offset } of responses[0]?.partitions ?? []) offsets.set(partition, Number(offset));
    }
    return offsets;
  }

  #within({ topic, partition }: Cursor, messages: readonly StoredMessage[], bounds: Bounds): Scan {
    let count = 0;
    let bytes = 0;
    for (const { value } of messages) {
      bytes += value?.byteLength ?? 0;
      if (count > 0 && (count >= bounds.maxRecords || bytes > bounds.maxBytes)) break;
      count++;
    }
    const taken = messages.slice(0, count);
    const next = (taken.at(-1)?.offset ?? 0) + 1;
    if (count < messages.length) this.#leftovers.keep({ topic, partition, from: next }, messages.slice(count));
    return { messages: taken, next };
  }

  /** Twice what the bounds let through of messages as large as the last ones: with many partitions, few leftovers are kept. */
  #fetchBytes(topic: string, { maxRecords, maxBytes }: Bounds): number {
    const expected = 2 * maxRecords * (this.#messageBytes.get(topic) ?? Number.POSITIVE_INFINITY);
    return Math.ceil(Math.max(leastFetchBytes, Math.min(maxBytes, expected, mostFetchBytes)));
  }

  async #fetchOne(cursor: Cursor, maxBytes: number): Promise<(Scan & { readonly end: number }) | undefined> {
    const { topic, partition, from } = cursor;
    const onCluster = await this.#target(topic);
    const [[nodeId] = [undefined]] = await this.#byLeader([cursor]);
    if (nodeId === undefined) throw new Error(`no broker leads partition ${partition} of ${topic}`);
    const { responses } = await this.#fetch(nodeId, {
      isolationLevel: readCommitted,
      maxWaitTime: 0,
      minBytes: 1,
      maxBytes,
      topics: [{ topic: onCluster, partitions: [{ partition, fetchOffset: String(from), maxBytes }] }],
    });
    const fetched = responses[0]?.partitions[0];
    if (fetched === undefined) return { messages: [], next: from, end: from };
    return { ...committedMessages(topic, fetched, from), end: Number(fetched.lastStableOffset) };
  }

  async #waitAt(nodeId: number, group: readonly Cursor[], maxWaitTime: number): Promise<readonly Cursor[]> {
    const topics = group.map(({ topic, partition, from }) => ({
      topic: this.names.onCluster(topic),
      partitions: [{ partition, fetchOffset: String(from), maxBytes: 2 ** 20 }],
    }));
    const request = { isolationLevel: readCommitted, maxWaitTime, minBytes: 1, maxBytes: 4 * 2 ** 20, topics };
    const { responses } = await this.#fetch(nodeId, request);
    return responses.flatMap(({ topicName, partitions }) =>
      partitions.flatMap((fetched) => {
        const cursor = group.find(
          ({ topic, partition }) => this.names.onCluster(topic) === topicName && partition === fetched.partition,
        );
        if (cursor === undefined || fetched.messages.length === 0) return [];
        const { messages } = committedMessages(cursor.topic, fetched, cursor.from);
        if (messages.length > 0) this.#leftovers.keep(cursor, messages);
        return [cursor];
      }),
    );
  }

  /**
   * One fetch alone opens a broker's connection for fetches: kafkajs opens two for two that come at once, and forgets the first,
   * which then keeps the process alive.
   */
  async #fetch(nodeId: number, request: FetchRequest): Promise<FetchResponse> {
    const opening = this.#opened.get(nodeId);
    if (opening !== undefined) await opening;
    const answer = this.#cluster.findBroker({ nodeId }).then((broker) => broker.fetch(request));
    const settled = () => undefined;
    if (opening === undefined) this.#opened.set(nodeId, answer.then(settled, settled));
    try {
      return await answer;
    } catch (error) {
      this.#opened.delete(nodeId);
      throw error;
    }
  }

  /** What to take for a position out of range: before the low mark, or behind the end. */
  async #outOfRange<Result, Otherwise>(call: () => Promise<Result>, otherwise: Otherwise): Promise<Result | Otherwise> {
    try {
      return await this.#reconnecting(call);
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSOffsetOutOfRange') return otherwise;
      throw error;
    }
  }

  /** What has moved or gone must be looked up anew at the next try. */
  async #reconnecting<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      if (!this.#cluster.isConnected()) await this.#cluster.connect();
      return await call();
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSConnectionClosedError') {
        const { host, port } = error as Error & { readonly host?: string; readonly port?: number };
        if (host !== undefined && port !== undefined) this.#cluster.removeBroker({ host, port });
      }
      if (!(error instanceof Error && error.name === 'KafkaJSOffsetOutOfRange')) {
        await this.#cluster.refreshMetadata().catch(() => undefined);
      }
      throw error;
    }
  }

  async #target(topic: string): Promise<string> {
    const onCluster = this.names.onCluster(topic);
    if (!this.#cluster.isConnected()) await this.#cluster.connect();
    if (!this.#cluster.targetTopics.has(onCluster)) await this.#cluster.addMultipleTargetTopics([onCluster]);
    return onCluster;
  }

  async #byLeader(cursors: readonly Cursor[]): Promise<Map<number, Cursor[]>> {
    const leaders = new Map<number, Cursor[]>();
    for (const topic of new Set(cursors.map((cursor) => cursor.topic))) await this.#target(topic);
    for (const cursor of cursors) {
      const metadata = this.#cluster.findTopicPartitionMetadata(this.names.onCluster(cursor.topic));
      const leader = metadata.find(({ partitionId }) => partitionId === cursor.partition)?.leader;
      if (leader === undefined) throw new Error(`nothing is known of partition ${cursor.partition} of ${cursor.topic}`);
      const group = leaders.get(leader);
      if (group === undefined) leaders.set(leader, [cursor]);
      else group.push(cursor);
    }
    return leaders;
  }
}
