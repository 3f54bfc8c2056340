import { setMaxListeners } from 'node:events';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Bounds, Message, StoredMessage, Task, Transaction } from '../topics.js';
import { withEither } from '../with-either.js';
import { faultOf } from './kafka-error.js';
import type { KafkaSettings } from './kafka-settings.js';
import type { LongPoll } from './long-poll.js';
import type { PartitionReader } from './partition-reader.js';
import type { Persistence } from './persistence.js';
import type { PlainWriter } from './plain-writer.js';
import type { TopicCatalogue } from './topic-catalogue.js';
import type { TransactionalWriter } from './transactional-writer.js';
import { unlessAborted } from './unless-aborted.js';

/** What the tasks of a process share. */
export interface TaskParts {
  readonly settings: KafkaSettings;
  readonly catalogue: TopicCatalogue;
  readonly reader: PartitionReader;
  readonly longPoll: LongPoll;
  readonly journals: PlainWriter;
  readonly persistence: Persistence;
}

export interface Assignment {
  readonly group: string;
  readonly partition: number;
  /** Opened for this assignment: all earlier holders are shut out, and `committed` was read after that. */
  readonly writer: TransactionalWriter;
  readonly committed: ReadonlyMap<string, number>;
}

/**
 * A partition of a group in the hands of one member. The broker's epoch of its transactional id is the lock; the group's assignment
 * only says who should try to have it.
 */
export class KafkaTask implements Task {
  readonly partition: number;
  readonly committed: ReadonlyMap<string, number>;
  readonly lost: AbortSignal;
  readonly #abort = new AbortController();
  /** By topic: where the message after a position is to be looked for, behind records that are not shown. */
  readonly #positions = new Map<string, { readonly from: number; readonly next: number }>();

  constructor(
    private readonly parts: TaskParts,
    private readonly assignment: Assignment,
    /** Told when the broker refused a write: the task is lost then, whoever is assigned. */
    private readonly refused: () => void,
  ) {
    this.partition = assignment.partition;
    this.committed = assignment.committed;
    this.lost = this.#abort.signal;
    // Every call under way listens.
    setMaxListeners(0, this.lost);
  }

  async fetch(topic: string, from: number, bounds: Bounds, signal: AbortSignal): Promise<readonly StoredMessage[]> {
    this.#checkTopic(topic);
    return withEither([signal, this.lost], (ended) => this.#fetch(topic, from, bounds, ended));
  }

  async append(messages: readonly Message[]): Promise<readonly number[]> {
    if (this.lost.aborted) throw this.#lossError();
    await this.parts.catalogue.check(messages);
    return this.parts.journals.write(messages);
  }

  async commit({ outputs, offsets }: Transaction): Promise<void> {
    for (const topic of offsets.keys()) this.#checkTopic(topic);
    if (this.lost.aborted) throw this.#lossError();
    await this.parts.catalogue.check(outputs);
    const { group, partition, writer } = this.assignment;
    try {
      await writer.write(outputs, { group, partition, offsets });
    } catch (error) {
      const fault = faultOf(error, this.parts.settings);
      if (fault.kind === 'lasting') throw fault.error;
      this.refused();
      if (fault.kind === 'passing') this.parts.persistence.waits(fault.reason);
      throw this.#lossError(error);
    }
    if (this.lost.aborted) return;
    this.parts.persistence.answered();
  }

  /** Ends the task: waiting fetches return, writes that have not begun are refused, and its writer is closed. */
  lose(): void {
    if (this.lost.aborted) return;
    this.#abort.abort();
  }

  async #fetch(topic: string, from: number, bounds: Bounds, ended: AbortSignal): Promise<readonly StoredMessage[]> {
    const { reader, longPoll, persistence } = this.parts;
    const { partition } = this;
    while (!ended.aborted) {
      const known = this.#positions.get(topic);
      const cursor = { topic, partition, from: known?.from === from ? known.next : from };
      const scan = await persistence
        .persist(
          () =>
            unlessAborted(
              () => reader.read(cursor, bounds),
              ended,
              () => this.#lossError(),
            ),
          ended,
        )
        .catch((error: unknown) => {
          if (ended.aborted) return undefined;
          throw error;
        });
      if (scan === undefined || ended.aborted) return [];
      if (scan.messages.length > 0) return scan.messages;
      this.#positions.set(topic, { from, next: scan.next });
      await longPoll.wait({ ...cursor, from: scan.next }, [ended]);
    }
    return [];
  }

  #lossError(cause?: unknown): HeadwaterError {
    const { group, partition } = this.assignment;
    const text = `partition ${partition} of the group '${group}' was taken over, or its broker went away: drop its work`;
    return new HeadwaterError('task-lost', text, { cause });
  }

  #checkTopic(topic: string): void {
    if (this.committed.has(topic)) return;
    throw new HeadwaterError('topic-unknown', `the group '${this.assignment.group}' does not consume '${topic}'`);
  }
}
