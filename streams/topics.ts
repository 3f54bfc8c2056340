/** How a topic is laid out and what it keeps. */
export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** `delete`: all messages, up to the retention; `compact`: the newest message of each key. */
  readonly cleanup: 'delete' | 'compact';
  /** Messages beyond these bounds may go, oldest first. Not for `compact`. */
  readonly retention?: { readonly bytes?: number; readonly ageMs?: number };
}

/** What is written. */
export interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  /** null removes the key from a `compact` topic. */
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. Default: now. */
  readonly timestamp?: number;
}

/** What is read: a message with its place. */
export interface StoredMessage extends Required<Message> {
  /** From 0; ascending within a partition, not always without gaps. */
  readonly offset: number;
}

export interface PartitionOffsets {
  /** The first offset that can be read. */
  readonly low: number;
  /** One past the last committed message, or, on Kafka, past what stands behind it and is not shown. */
  readonly high: number;
  /** Set while messages are there that nobody sees yet: a commit is on its way. */
  readonly pending?: true;
}

export interface Bounds {
  readonly maxRecords: number;
  /** At least one message is returned, however large. */
  readonly maxBytes: number;
}

/** Outputs, consumed offsets and state, all or nothing. */
export interface Transaction {
  /** To any topics and partitions; in this order within a partition. The state's changelog is among them. */
  readonly outputs: readonly Message[];
  /** The next offset to read, by topic, of this task's partition. */
  readonly offsets: ReadonlyMap<string, number>;
}

/** One partition of each input topic of a group, held by this member alone. */
export interface Task {
  readonly partition: number;
  /** The next offset to read, by topic, when the task was assigned. */
  readonly committed: ReadonlyMap<string, number>;
  /** Aborted when the task is lost to another member, or left. All work of the task must be dropped then. */
  readonly lost: AbortSignal;
  /** Messages from `from` on; waits until there is one. Empty only when `signal` or `lost` is aborted. */
  fetch(topic: string, from: number, bounds: Bounds, signal: AbortSignal): Promise<readonly StoredMessage[]>;
  /** Writes messages durably and at once, outside a transaction; resolves with their offsets. Rejects with `task-lost`. */
  append(messages: readonly Message[]): Promise<readonly number[]>;
  /**
   * Rejects with `task-lost` after a loss; then nothing of it happened, or a successor sees all of it. One at a time. An empty one
   * only tells whether the task is lost.
   */
  commit(transaction: Transaction): Promise<void>;
}

export interface GroupOptions {
  readonly group: string;
  /** With the same number of partitions each. */
  readonly topics: readonly string[];
  /** Where a group starts in a partition of which it has committed nothing; that start counts as committed. @default earliest */
  readonly from?: 'earliest' | 'latest' | undefined;
  /** Called for each task that this member gets; it must end its work when `task.lost` is aborted. */
  readonly assigned: (task: Task) => void;
  /** Called when the membership cannot go on, with what a person must mend. */
  readonly failed?: (error: unknown) => void;
}

export interface Membership {
  /** Gives all tasks back; resolves when others may have them. */
  leave(): Promise<void>;
}

export interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to read. */
  readonly offset: number;
}

/** What an implementation asks of those who write. */
export interface TopicsLimits {
  /** Of a message: value, key and headers. */
  readonly maxMessageBytes: number;
  /** A task waits this long between commits, unless `commitRecords` are finished: commits that cost a round trip are worth batching. */
  readonly commitEveryMs: number;
  readonly commitRecords: number;
}

/**
 * Partitioned topics with consumer groups, on the embedded log or on Kafka: same names, same offset semantics. Every call
 * rejects with `HeadwaterError`: `topic-unknown`, `topic-misfit`, `record-too-large`, `store-full`, `store-unwritable`, `task-lost`,
 * and of a broker `broker-unreachable`, `broker-refused`, `broker-forbidden`, `broker-failed`.
 */
export interface Topics {
  readonly kind: 'log' | 'kafka';
  readonly limits: TopicsLimits;
  /** Creates what is missing. Rejects with `topic-misfit` where an existing topic differs in partitions or cleanup. */
  ensure(topics: readonly TopicSpec[]): Promise<void>;
  list(): Promise<readonly TopicSpec[]>;
  /** By partition. */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>;
  /** Committed messages from `from` on (or from the low mark, if that is higher); empty at the end. */
  read(topic: string, partition: number, from: number, bounds: Bounds): Promise<readonly StoredMessage[]>;
  /** Writes messages durably, all or nothing where they go to one topic. Resolves with the offset of each. */
  append(messages: readonly Message[]): Promise<readonly number[]>;
  /**
   * Reads, decides, appends, as one step among those who name the same `lock`: `decide` is called anew where another one appended
   * meanwhile. Its messages are written all or nothing; with none, nothing is.
   */
  appendAfter(lock: string, decide: () => Promise<readonly Message[]>): Promise<void>;
  /** What a group has committed, for all its topics and partitions. */
  committed(group: string): Promise<readonly GroupOffset[]>;
  /** Joins a consumer group; its tasks are shared among its members, of all processes. */
  join(options: GroupOptions): Promise<Membership>;
  close(): Promise<void>;
}
