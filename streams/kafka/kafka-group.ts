import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import type { Admin, Consumer, Kafka } from 'kafkajs';

import { deferred } from '../deferred.js';
import type { GroupOptions, Membership } from '../topics.js';
import { faultOf } from './kafka-error.js';
import { KafkaTask, type TaskParts } from './kafka-task.js';
import { stickyAssigner } from './sticky-assigner.js';
import type { TopicNames } from './topic-names.js';
import { TransactionalWriter } from './transactional-writer.js';
import { within } from './within.js';

export interface GroupParts extends TaskParts {
  readonly client: Kafka;
  readonly admin: Admin;
  readonly names: TopicNames;
  /** Told of each membership that the brokers know this process by. */
  readonly memberJoined: (member: GroupMember) => void;
}

/** How the brokers know a member. */
export interface GroupMember {
  readonly group: string;
  readonly memberId: string;
}

const defaultSessionMs = 10_000;
/** Of the members' consumer, which reads nothing: how often its loop comes round to send a heartbeat. */
const loopMs = 100;
const transactionTimeoutMs = 60_000;
const leaveMs = 2000;
const restartMs = 1000;
/** Each is half a session. */
const silentLooks = 5;
const fenceMs = 60_000;

/**
 * A member of a consumer group, and the tasks that it holds.
 *
 * kafkajs's consumer keeps the membership; all its partitions are paused, and tasks read by themselves. The group subscribes to the
 * first of its topics, whose partition p stands for partition p of them all. Where the assignment changes, what is kept works on, and
 * what goes is dropped at once. A task begins in this order: shut out whoever had the partition, then read the committed offsets,
 * then work; an offset that is read before the fencing may be stale.
 */
export class KafkaMember implements Membership {
  /** Of this life: after a crash there is another one, and what the old one still says is not heard. */
  #consumer: Consumer | undefined;
  readonly #tasks = new Map<number, { readonly task: KafkaTask; readonly writer: TransactionalWriter }>();
  #assigned: ReadonlySet<number> = new Set();
  /** Partitions whose task is being opened. */
  readonly #opening = new Set<number>();
  readonly #left = new AbortController();
  /** Resolves at the next sign of life from the group: this member is still in it. */
  #alive = deferred();
  #joined = deferred();
  #leaving: Promise<void> | undefined;
  readonly #watch: NodeJS.Timeout;
  /** Looks of the watch since the last sign of life. */
  #silentLooks = 0;

  constructor(
    private readonly parts: GroupParts,
    private readonly options: GroupOptions,
    private readonly topic: string,
  ) {
    setMaxListeners(0, this.#left.signal);
    this.#watch = setInterval(() => this.#look(), this.#sessionMs / 2);
    this.#watch.unref();
  }

  /** Resolves when the member is in the group; its tasks come after that. */
  async join(): Promise<void> {
    await this.#live();
    await this.#joined.promise;
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  get #sessionMs(): number {
    return this.parts.settings.sessionTimeoutMs ?? defaultSessionMs;
  }

  /** Begins a life: until it has joined, or crashed. */
  async #live(): Promise<void> {
    await this.parts.persistence.persist(async () => {
      const consumer = this.#newConsumer();
      this.#consumer = consumer;
      try {
        await consumer.connect();
        await consumer.subscribe({ topic: this.parts.names.onCluster(this.topic), fromBeginning: true });
        await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined });
      } catch (error) {
        consumer.disconnect().catch(() => undefined);
        throw error;
      }
    }, this.#left.signal);
  }

  /** kafkajs must not begin again by itself: it may do so twice, and then two members of one process share its partitions. */
  #newConsumer(): Consumer {
    const { client, names, memberJoined } = this.parts;
    const sessionTimeout = this.#sessionMs;
    const consumer = client.consumer({
      groupId: names.onCluster(this.options.group),
      sessionTimeout,
      heartbeatInterval: Math.min(500, sessionTimeout / 6),
      rebalanceTimeout: sessionTimeout,
      maxWaitTimeInMs: loopMs,
      allowAutoTopicCreation: false,
      partitionAssigners: [stickyAssigner(names.onCluster(this.topic), () => [...this.#tasks.keys()])],
      retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 10, restartOnFailure: async () => false },
    });
    const { GROUP_JOIN, HEARTBEAT, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload: { memberAssignment, memberId } }) => {
      consumer.pause([{ topic: names.onCluster(this.topic) }]);
      if (consumer !== this.#consumer) return;
      memberJoined({ group: this.options.group, memberId });
      this.#joined.resolve();
      this.#heard();
      this.#rebalanced(new Set(Object.values(memberAssignment).flat()));
    });
    consumer.on(HEARTBEAT, () => {
      if (consumer === this.#consumer) this.#heard();
    });
    consumer.on(CRASH, ({ payload: { error } }) => {
      if (consumer === this.#consumer) this.#crashed(error);
    });
    return consumer;
  }

  async #leave(): Promise<void> {
    clearInterval(this.#watch);
    this.#left.abort();
    this.#heard();
    const dropped = [...this.#tasks.keys()].map((partition) => this.#drop(partition));
    // Who cannot reach the brokers would not end: they notice its silence.
    const leaving = Promise.all(dropped).then(() => this.#consumer?.disconnect());
    await within(leaveMs, leaving);
  }

  #heard(): void {
    this.#silentLooks = 0;
    this.#alive.resolve();
    this.#alive = deferred();
  }

  #rebalanced(assigned: ReadonlySet<number>): void {
    this.#assigned = assigned;
    for (const partition of [...this.#tasks.keys()]) if (!assigned.has(partition)) void this.#drop(partition);
    for (const partition of assigned) void this.#open(partition);
  }

  /** A consumer that has ended without a word is replaced. Looks are counted, not time: a process that was asleep has time to wake. */
  #look(): void {
    this.#silentLooks++;
    if (this.#silentLooks < silentLooks) return;
    this.#crashed(new Error(`no sign of life from the group '${this.options.group}'`));
  }

  /** Begins another life, unless only a person can mend what ended this one. */
  #crashed(error: Error): void {
    if (this.#left.signal.aborted) return;
    const fault = faultOf(error, this.parts.settings);
    if (fault.kind === 'lasting') {
      this.#fail(fault.error);
      return;
    }
    this.parts.persistence.waits(fault.reason);
    const dead = this.#consumer;
    this.#consumer = undefined;
    this.#silentLooks = 0;
    dead?.disconnect().catch(() => undefined);
    this.#liveAgain().catch((failed) => this.#fail(failed));
  }

  async #liveAgain(): Promise<void> {
    await delay(restartMs, undefined, { signal: this.#left.signal, ref: false });
    await this.#live();
  }

  #fail(error: unknown): void {
    if (this.#left.signal.aborted) return;
    this.#joined.reject(error);
    this.options.failed?.(error);
  }

  async #open(partition: number): Promise<void> {
    if (this.#tasks.has(partition) || this.#opening.has(partition) || !this.#isWanted(partition)) return;
    this.#opening.add(partition);
    try {
      const opened = await this.#fence(partition);
      if (this.#isWanted(partition)) this.#begin(partition, opened);
      else await opened.writer.close();
    } catch (error) {
      if (faultOf(error, this.parts.settings).kind === 'lasting') {
        this.#fail(error);
        return;
      }
      await this.#alive.promise;
    } finally {
      this.#opening.delete(partition);
    }
    // It may have gone and come back meanwhile.
    if (!this.#tasks.has(partition) && this.#isWanted(partition)) await this.#open(partition);
  }

  #begin(partition: number, { writer, committed }: Opened): void {
    const { group, assigned } = this.options;
    const task: KafkaTask = new KafkaTask(this.parts, { group, partition, writer, committed }, () => {
      if (this.#tasks.get(partition)?.task === task) void this.#lost(partition);
    });
    this.#tasks.set(partition, { task, writer });
    assigned(task);
  }

  /** A member that was asleep finds its writes refused before it finds itself out of the group: only who is in may try again. */
  async #lost(partition: number): Promise<void> {
    await this.#drop(partition);
    await this.#alive.promise;
    await this.#open(partition);
  }

  async #drop(partition: number): Promise<void> {
    const held = this.#tasks.get(partition);
    this.#tasks.delete(partition);
    held?.task.lose();
    await held?.writer.close();
  }

  /** What fails on the way makes a writer worthless: it begins anew. */
  #fence(partition: number): Promise<Opened> {
    const { persistence } = this.parts;
    return persistence.persist(() => persistence.within(() => this.#tryFence(partition), fenceMs), this.#left.signal);
  }

  async #tryFence(partition: number): Promise<Opened> {
    const { client, names, catalogue, settings } = this.parts;
    const writer = await TransactionalWriter.open({
      client,
      names,
      catalogue,
      compression: settings.compression ?? 'none',
      transactionalId: `${this.options.group}.${partition}`,
      timeoutMs: transactionTimeoutMs,
    });
    try {
      return { writer, committed: await this.#committed(partition, writer) };
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  /** The next offset by topic: what was committed, but not before the low mark, where there is nothing any more. */
  async #committed(partition: number, writer: TransactionalWriter): Promise<ReadonlyMap<string, number>> {
    const { admin, names, reader } = this.parts;
    const { group, topics, from = 'earliest' } = this.options;
    const onCluster = topics.map((topic) => names.onCluster(topic));
    const found = await admin.fetchOffsets({ groupId: names.onCluster(group), topics: onCluster });
    const committed = new Map<string, number>();
    const ends = new Map<string, number>();
    for (const [index, topic] of topics.entries()) {
      const offsets = found.find((each) => each.topic === onCluster[index])?.partitions;
      const offset = Number(offsets?.find((each) => each.partition === partition)?.offset ?? -1);
      const { low, high } = await reader.offsets(topic, partition);
      if (offset < 0 && from === 'latest') ends.set(topic, high);
      committed.set(topic, ends.get(topic) ?? Math.max(offset, low));
    }
    // A successor must not begin at a later end: what comes until the first commit would be passed over.
    if (ends.size > 0) await writer.write([], { group, partition, offsets: ends });
    return committed;
  }

  #isWanted(partition: number): boolean {
    return this.#assigned.has(partition) && !this.#left.signal.aborted;
  }
}

interface Opened {
  readonly writer: TransactionalWriter;
  readonly committed: ReadonlyMap<string, number>;
}
