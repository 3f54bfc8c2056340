import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Database, RootDatabase } from 'lmdb';

import { HeadwaterError } from '../../schemas/errors.js';
import type { TopicSpec } from '../topics.js';
import { openEnvironment } from './environment.js';
import { storeFailure } from './store-failure.js';

/** The file of the store, in its folder. */
export const logFile = 'log.mdb';

/** Of the layout below; a store with a higher one is refused. */
const storeFormat = 1;

/** A topic and the number that stands for it in keys. */
export interface StoredTopic {
  readonly id: number;
  readonly spec: TopicSpec;
}

/** Where a partition begins and ends, and what its retention needs to know. */
export interface Mark {
  readonly low: number;
  readonly high: number;
  /** Of all blocks; not counted for `compact` topics. */
  readonly bytes: number;
  /** The newest timestamp of the first block. */
  readonly oldest: number | null;
}

export const emptyMark: Mark = { low: 0, high: 0, bytes: 0, oldest: null };

/** One LMDB environment: blocks of messages, and what is known about topics and groups. */
export class Store {
  /** By topic name. */
  readonly topics: Database<StoredTopic, string>;
  /** By topic id, partition. */
  readonly marks: Database<Mark, [number, number]>;
  /** By topic id, partition, offset of the first message. */
  readonly blocks: Database<Uint8Array, [number, number, number]>;
  /** Offset of the newest message of a key of a compact topic, by topic id, partition, SHA-256 of the key. */
  readonly keys: Database<number, [number, number, string]>;
  /** The next offset to read, by topic name, partition, group. */
  readonly offsets: Database<number, [string, number, string]>;
  /** How often a partition of a group was assigned, by group, partition. */
  readonly generations: Database<number, [string, number]>;
  readonly #root: RootDatabase<number, string>;

  private constructor(
    readonly dir: string,
    root: RootDatabase<number, string>,
  ) {
    this.#root = root;
    this.topics = root.openDB('topics', { encoding: 'json' });
    this.marks = root.openDB('marks', { encoding: 'json' });
    this.blocks = root.openDB('blocks', { encoding: 'binary' });
    this.keys = root.openDB('keys', { encoding: 'json' });
    this.offsets = root.openDB('offsets', { encoding: 'json' });
    this.generations = root.openDB('generations', { encoding: 'json' });
  }

  /** Opens or creates the store. Rejects with `store-newer`, `store-full` or `store-unwritable`. */
  static async open(dir: string): Promise<Store> {
    let root: RootDatabase<number, string> | undefined;
    try {
      mkdirSync(dir, { recursive: true });
      root = openEnvironment(join(dir, logFile));
      checkFormat(root, dir);
      return new Store(dir, root);
    } catch (error) {
      await root?.close();
      throw await storeFailure(dir, error);
    }
  }

  /**
   * Runs `action` in one write transaction, alone among all processes. Resolves when it is on disk and visible. If `action` throws
   * or the disk does not take it, nothing of it happened.
   */
  async transaction(action: () => void): Promise<void> {
    await this.#root.childTransaction(action);
  }

  /** Lets the next reads see what other processes have committed by now. */
  refresh(): void {
    this.#root.resetReadTxn();
  }

  /** Throws `HeadwaterError` with code `topic-unknown`. */
  topic(name: string): StoredTopic {
    const topic = this.topics.get(name);
    if (topic === undefined) {
      throw new HeadwaterError('topic-unknown', `the topic '${name}' does not exist in ${this.dir}: create it first`);
    }
    return topic;
  }

  /** Throws `HeadwaterError` with code `topic-unknown` also where the topic lacks the partition. */
  partition(name: string, partition: number): StoredTopic {
    const topic = this.topic(name);
    if (!Number.isInteger(partition) || partition < 0 || partition >= topic.spec.partitions) {
      const text = `the topic '${name}' has the partitions 0 to ${topic.spec.partitions - 1}, not ${partition}`;
      throw new HeadwaterError('topic-unknown', text);
    }
    return topic;
  }

  mark(topic: StoredTopic, partition: number): Mark {
    return this.marks.get([topic.id, partition]) ?? emptyMark;
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}

function checkFormat(root: RootDatabase<number, string>, dir: string): void {
  const format = root.transactionSync(() => {
    const found = root.get('format');
    if (found === undefined) root.putSync('format', storeFormat);
    return found ?? storeFormat;
  });
  if (format > storeFormat) {
    const text = `the store in ${dir} has format ${format}, this version reads up to ${storeFormat}: use the newer Headwater`;
    throw new HeadwaterError('store-newer', text);
  }
}
