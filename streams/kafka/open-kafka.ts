import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import type { Admin, Kafka } from 'kafkajs';

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
import { AppendQueue, seen } from './append-queue.js';
import { kafkaClient, readingCluster } from './client.js';
import { faultOf } from './kafka-error.js';
import { type GroupMember, type GroupParts, KafkaMember } from './kafka-group.js';
import type { KafkaSettings } from './kafka-settings.js';
import { Leftovers } from './leftovers.js';
import { LongPoll } from './long-poll.js';
import { PartitionReader } from './partition-reader.js';
import { type BrokerState, closedError, Persistence } from './persistence.js';
import { PlainWriter } from './plain-writer.js';
import { partitionsOf } from './shared-partitions.js';
import { Sockets } from './sockets.js';
import { TopicCatalogue } from './topic-catalogue.js';
import { foreignTopic, TopicNames } from './topic-names.js';
import { TransactionalWriter, type WriterOptions } from './transactional-writer.js';
import { within } from './within.js';

export interface KafkaOptions extends KafkaSettings {
  /** Told when the brokers stop to answer, and when they do again. */
  readonly stateChanged?: (state: BrokerState) => void;
  /** Told of each membership of this process, by which another one can give its partitions back when it dies. */
  readonly memberJoined?: (member: GroupMember) => void;
  /** How long the first answer is waited for. @default 15000 */
  readonly patienceMs?: number;
}

const defaultPatienceMs = 15_000;
const closingMs = 700;
const mostYieldMs = 500;
/** Of appends and locks: a process that dies with one open holds up readers of its topics for so long, and ten seconds more. */
const transactionTimeoutMs = 10_000;

/**
 * Topics on a Kafka cluster, for as many processes as there are partitions: real transactions, consumer groups, `read_committed`.
 *
 * Exactly once by fencing: each partition of a group has one transactional id, which its holder opens before it reads the committed
 * offsets; outputs, state and offsets go in one transaction under it. When the brokers are away, calls wait and try again, with
 * a pause that grows to five seconds; the first call waits `patienceMs`, then rejects with `broker-unreachable`. Rejects with
 * `broker-refused` and `broker-forbidden` for what a person must mend.
 *
 * Memory: 32 MiB of fetched messages at most that nobody has asked for yet, and what is being written.
 */
export async function openKafka(options: KafkaOptions): Promise<Topics> {
  const topics = new KafkaTopics(options);
  try {
    await topics.connect(options.patienceMs ?? defaultPatienceMs);
    return topics;
  } catch (error) {
    await topics.close();
    throw error;
  }
}

class KafkaTopics implements Topics {
  readonly kind = 'kafka';
  readonly #names: TopicNames;
  readonly #sockets = new Sockets();
  readonly #client: Kafka;
  readonly #admin: Admin;
  readonly #closed = new AbortController();
  readonly #persistence: Persistence;
  readonly #reader: PartitionReader;
  readonly #catalogue: TopicCatalogue;
  readonly #journals: PlainWriter;
  readonly #appends: AppendQueue;
  /** With their readers, which wait on connections of their own. */
  readonly #members = new Map<KafkaMember, PartitionReader>();
  readonly #leftovers = new Leftovers();
  #closing: Promise<void> | undefined;

  constructor(private readonly options: KafkaOptions) {
    const { stateChanged = () => undefined } = options;
    // Every call under way listens.
    setMaxListeners(0, this.#closed.signal);
    this.#names = new TopicNames(options.prefix);
    this.#client = kafkaClient(options, this.#sockets);
    this.#admin = this.#client.admin();
    this.#persistence = new Persistence(options, stateChanged, this.#closed.signal);
    this.#reader = this.#newReader();
    this.#catalogue = new TopicCatalogue(this.#admin, this.#names, options.replicas ?? -1);
    this.#journals = new PlainWriter(this.#writerOptions(), this.#persistence);
    const appending = {
      ...this.#writerOptions(),
      transactionalId: `append.${randomUUID()}`,
      timeoutMs: transactionTimeoutMs,
    };
    this.#appends = new AppendQueue(appending, options, this.#reader, this.#persistence);
  }

  get limits(): TopicsLimits {
    const { commitEveryMs = 25, commitRecords = 1000 } = this.options;
    return { maxMessageBytes: this.#catalogue.maxMessageBytes, commitEveryMs, commitRecords };
  }

  async connect(patienceMs: number): Promise<void> {
    const call = async () => {
      await this.#admin.connect();
      // It resolves for some who may not come in: only an answer shows that we may.
      await this.#admin.describeCluster();
    };
    await this.#persistence.persist(call, this.#closed.signal, patienceMs);
  }

  ensure(topics: readonly TopicSpec[]): Promise<void> {
    return this.#persist(() => this.#catalogue.ensure(topics));
  }

  list(): Promise<readonly TopicSpec[]> {
    return this.#persist(() => this.#catalogue.list());
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return this.#persist(async () => {
      await this.#catalogue.spec(topic);
      return this.#reader.allOffsets(topic);
    });
  }

  async read(topic: string, partition: number, from: number, bounds: Bounds): Promise<readonly StoredMessage[]> {
    return this.#persist(async () => {
      await this.#catalogue.spec(topic);
      return (await this.#reader.read({ topic, partition, from }, bounds)).messages;
    });
  }

  async append(messages: readonly Message[]): Promise<readonly number[]> {
    await this.#persist(() => this.#catalogue.check(messages));
    return this.#appends.append(messages);
  }

  async appendAfter(lock: string, decide: () => Promise<readonly Message[]>): Promise<void> {
    const options = { ...this.#writerOptions(), transactionalId: `lock.${lock}`, timeoutMs: transactionTimeoutMs };
    for (let done = false; !done; ) {
      const writer = await this.#persist(() => TransactionalWriter.open(options));
      try {
        const messages = await decide();
        if (messages.length > 0) await this.#persist(() => this.#catalogue.check(messages));
        done = messages.length === 0 || (await this.#isWritten(writer, messages));
      } finally {
        await writer.close();
      }
      // Two who decide equally long would shut each other out for ever.
      if (!done) await delay(Math.random() * mostYieldMs);
    }
  }

  async committed(group: string): Promise<readonly GroupOffset[]> {
    const groupId = this.#names.onCluster(group);
    const found = await this.#persist(() => this.#admin.fetchOffsets({ groupId }));
    return found.flatMap(({ topic: onCluster, partitions }) => {
      const topic = this.#names.ours(onCluster) ?? foreignTopic(onCluster);
      return partitions.flatMap(({ partition, offset }) =>
        Number(offset) < 0 ? [] : [{ topic, partition, offset: Number(offset) }],
      );
    });
  }

  async join(options: GroupOptions): Promise<Membership> {
    if (this.#closed.signal.aborted) throw closedError();
    const reader = this.#newReader();
    const parts: GroupParts = {
      settings: this.options,
      client: this.#client,
      admin: this.#admin,
      names: this.#names,
      catalogue: this.#catalogue,
      reader: this.#reader,
      longPoll: new LongPoll(reader, this.#persistence, this.#closed.signal),
      journals: this.#journals,
      persistence: this.#persistence,
      memberJoined: this.options.memberJoined ?? (() => undefined),
    };
    await partitionsOf(options, parts);
    const member = new KafkaMember(parts, options, options.topics[0] ?? '');
    this.#members.set(member, reader);
    await member.join().catch(async (error: unknown) => {
      await this.#leave(member);
      throw error;
    });
    return { leave: () => this.#leave(member) };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #leave(member: KafkaMember): Promise<void> {
    await member.leave();
    const reader = this.#members.get(member);
    this.#members.delete(member);
    if (reader !== undefined) await within(closingMs, reader.close());
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#members.keys()].map((member) => this.#leave(member)));
    // Where the brokers are silent, calls would be waited for in vain.
    await within(closingMs, this.#appends.ended, this.#journals.ended);
    this.#closed.abort();
    const closing = [this.#appends.close(), this.#journals.close(), this.#reader.close(), this.#admin.disconnect()];
    await within(closingMs, ...closing);
    this.#sockets.close();
  }

  /** False where the writer was shut out, or the outcome is in doubt: what there is then decides. */
  async #isWritten(writer: TransactionalWriter, messages: readonly Message[]): Promise<boolean> {
    try {
      const offsets = await writer.write(messages);
      await seen(this.#reader, messages, offsets);
      return true;
    } catch (error) {
      const fault = faultOf(error, this.options);
      if (fault.kind === 'lasting') throw fault.error;
      return false;
    }
  }

  async #persist<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#closed.signal.aborted) throw closedError();
    return this.#persistence.persist(call);
  }

  #newReader(): PartitionReader {
    return new PartitionReader(readingCluster(this.options, this.#sockets), this.#names, this.#leftovers);
  }

  #writerOptions(): Omit<WriterOptions, 'transactionalId' | 'timeoutMs'> {
    return {
      client: this.#client,
      names: this.#names,
      catalogue: this.#catalogue,
      compression: this.options.compression ?? 'none',
    };
  }
}
