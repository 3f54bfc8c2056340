import { HeadwaterError } from '../../schemas/errors.js';
import type {
  Bounds,
  GroupOffset,
  GroupOptions,
  Membership,
  Message,
  PartitionOffsets,
  StoredMessage,
  TopicSpec,
  Topics,
  TopicsLimits,
} from '../topics.js';
import { Arrivals } from './arrivals.js';
import { ConsumerGroup } from './consumer-group.js';
import { GroupCommit } from './group-commit.js';
import { bytesOf, type LogParts } from './log-task.js';
import { readPartition } from './read-partition.js';
import { Store } from './store.js';

export interface LogOptions {
  /** The folder of the store; made if it is missing. */
  readonly dir: string;
  /** The clock of messages without timestamp and of the retention, in milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/**
 * Topics in one local store: a durable, partitioned log with consumer groups, nothing to install.
 *
 * What a promise confirmed survives a crash of the process or the machine; what none confirmed is there as a whole or not at all.
 * Several processes may use one folder: all may read and append, and see each other's messages within 50 ms. Members of a group in
 * one process share its partitions; of several processes the one that joined last has all of them.
 *
 * Retention drops whole blocks of about 128 KiB when messages are appended to their partition, and never what a group that ever
 * joined has not consumed: an unused group holds back its topics. Memory does not grow with the log. Rejects with `store-newer`,
 * `store-full`, `store-unwritable`; every call after `close` rejects with `store-closed`, of a task with `task-lost`.
 */
export async function openLog(options: LogOptions): Promise<Topics> {
  const store = await Store.open(options.dir);
  return new EmbeddedLog(store, options.now ?? Date.now);
}

class EmbeddedLog implements Topics {
  readonly kind = 'log';
  readonly limits: TopicsLimits = { maxMessageBytes: 64 * 2 ** 20, commitEveryMs: 0, commitRecords: 0 };
  readonly #parts: LogParts;
  readonly #groups = new Map<string, ConsumerGroup>();
  /** The last one of each lock. */
  readonly #decisions = new Map<string, Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(store: Store, now: () => number) {
    const arrivals = new Arrivals(() => store.refresh());
    const writer = new GroupCommit(store, now, (places) => arrivals.notify(places));
    this.#parts = { store, writer, arrivals };
  }

  async ensure(topics: readonly TopicSpec[]): Promise<void> {
    const { writer } = this.#open();
    for (const spec of topics) checkSpec(spec);
    await writer.write(0, (transaction) => transaction.ensure(topics));
  }

  async list(): Promise<readonly TopicSpec[]> {
    return [...this.#reader().topics.getRange({})].map(({ value }) => value.spec);
  }

  async offsets(name: string): Promise<readonly PartitionOffsets[]> {
    const store = this.#reader();
    const topic = store.topic(name);
    return Array.from({ length: topic.spec.partitions }, (_, partition) => {
      const { low, high } = store.mark(topic, partition);
      return { low, high };
    });
  }

  async read(topic: string, partition: number, from: number, bounds: Bounds): Promise<readonly StoredMessage[]> {
    const store = this.#reader();
    return readPartition(store, store.partition(topic, partition), partition, from, bounds);
  }

  async append(messages: readonly Message[]): Promise<readonly number[]> {
    const { writer } = this.#open();
    if (messages.length === 0) return [];
    return writer.write(bytesOf(messages), (transaction) => transaction.append(messages));
  }

  /** One after another in this process; of several processes, a data folder lets only one run a pipeline. */
  appendAfter(lock: string, decide: () => Promise<readonly Message[]>): Promise<void> {
    const turn = (this.#decisions.get(lock) ?? Promise.resolve()).then(async () => {
      await this.append(await decide());
    });
    this.#decisions.set(
      lock,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async committed(group: string): Promise<readonly GroupOffset[]> {
    return [...this.#reader().offsets.getRange({})]
      .filter(({ key }) => key[2] === group)
      .map(({ key: [topic, partition], value }) => ({ topic, partition, offset: value }));
  }

  async join(options: GroupOptions): Promise<Membership> {
    const group = this.#groups.get(options.group) ?? this.#newGroup(options);
    this.#groups.set(options.group, group);
    return group.join(options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const group of this.#groups.values()) group.close();
    await this.#parts.writer.idle();
    await this.#parts.store.close();
  }

  #newGroup({ group, topics, from }: GroupOptions): ConsumerGroup {
    checkName('group', group);
    const store = this.#reader();
    const counts = new Set(topics.map((topic) => store.topic(topic).spec.partitions));
    const [partitions, ...others] = counts;
    if (partitions === undefined) throw new TypeError(`topics: the group '${group}' must consume at least one topic`);
    if (others.length > 0) {
      const text = `the topics ${topics.join(', ')} of the group '${group}' must have the same number of partitions`;
      throw new HeadwaterError('topic-misfit', text);
    }
    return new ConsumerGroup(this.#parts, group, [...topics], partitions, from);
  }

  /** The store with all that is committed by now. */
  #reader(): Store {
    const { store } = this.#open();
    store.refresh();
    return store;
  }

  #open(): LogParts {
    if (this.#closing === undefined) return this.#parts;
    throw new HeadwaterError('store-closed', `the log in ${this.#parts.store.dir} was closed: open it again`);
  }
}

function checkSpec({ name, partitions }: TopicSpec): void {
  checkName('topic', name);
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new TypeError(`partitions of the topic '${name}': expected a whole number from 1 on, got ${partitions}`);
  }
}

function checkName(kind: string, name: string): void {
  if (/^[A-Za-z0-9._-]{1,249}$/.test(name)) return;
  throw new TypeError(`${kind}: expected up to 249 letters, digits, '.', '_' and '-', got '${name}'`);
}
