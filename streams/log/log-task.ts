import { HeadwaterError } from '../../schemas/errors.js';
import type { Bounds, Message, StoredMessage, Task, Transaction } from '../topics.js';
import type { Arrivals } from './arrivals.js';
import type { GroupCommit } from './group-commit.js';
import { type LogTransaction, placeOf } from './log-transaction.js';
import { readPartition } from './read-partition.js';
import type { Store } from './store.js';

/** What the parts of an open log share. */
export interface LogParts {
  readonly store: Store;
  readonly writer: GroupCommit;
  readonly arrivals: Arrivals;
}

/** What a task was given when it was assigned. */
export interface Grant {
  readonly group: string;
  readonly partition: number;
  readonly generation: number;
  readonly committed: ReadonlyMap<string, number>;
}

/** A partition of a group in the hands of one member, until it is lost; every write checks that it still is. */
export class LogTask implements Task {
  readonly partition: number;
  readonly committed: ReadonlyMap<string, number>;
  readonly lost: AbortSignal;
  readonly #abort = new AbortController();

  constructor(
    private readonly parts: LogParts,
    private readonly grant: Grant,
    /** Called when a member of another process has taken the partition. */
    private readonly taken: () => void,
  ) {
    this.partition = grant.partition;
    this.committed = grant.committed;
    this.lost = this.#abort.signal;
  }

  async fetch(topic: string, from: number, bounds: Bounds, signal: AbortSignal): Promise<readonly StoredMessage[]> {
    this.#checkTopic(topic);
    const { store, arrivals } = this.parts;
    const { partition } = this;
    while (!signal.aborted && !this.lost.aborted) {
      store.refresh();
      if (this.#isTaken()) {
        this.taken();
        break;
      }
      const stored = store.partition(topic, partition);
      const { high } = store.mark(stored, partition);
      const messages = readPartition(store, stored, partition, from, bounds);
      if (messages.length > 0) return messages;
      const isDue = () => this.#isTaken() || store.mark(stored, partition).high > high;
      await arrivals.wait(placeOf(topic, partition), isDue, [signal, this.lost]);
    }
    return [];
  }

  append(messages: readonly Message[]): Promise<readonly number[]> {
    return this.#write(messages, () => {});
  }

  async commit({ outputs, offsets }: Transaction): Promise<void> {
    for (const topic of offsets.keys()) this.#checkTopic(topic);
    const { group, partition } = this.grant;
    await this.#write(outputs, (transaction) => {
      for (const [topic, offset] of offsets) transaction.commitOffset(group, topic, partition, offset);
    });
  }

  /** Ends the task: waiting fetches return, writes that have not begun are refused. */
  lose(): void {
    this.#abort.abort();
  }

  async #write(messages: readonly Message[], also: (transaction: LogTransaction) => void): Promise<readonly number[]> {
    const { group, partition, generation } = this.grant;
    if (this.lost.aborted) throw this.#lossError();
    try {
      return await this.parts.writer.write(bytesOf(messages), (transaction) => {
        if (this.lost.aborted || transaction.generation(group, partition) !== generation) throw this.#lossError();
        const offsets = transaction.append(messages);
        also(transaction);
        return offsets;
      });
    } catch (error) {
      // Told only now: whoever listens must not run inside the transaction.
      if (error instanceof HeadwaterError && error.code === 'task-lost') this.taken();
      throw error;
    }
  }

  #isTaken(): boolean {
    const { group, partition, generation } = this.grant;
    return this.parts.store.generations.get([group, partition]) !== generation;
  }

  #lossError(): HeadwaterError {
    const { group, partition } = this.grant;
    const text = `partition ${partition} of the group '${group}' was given to another worker: drop its work`;
    return new HeadwaterError('task-lost', text);
  }

  #checkTopic(topic: string): void {
    if (this.committed.has(topic)) return;
    throw new HeadwaterError('topic-unknown', `the group '${this.grant.group}' does not consume the topic '${topic}'`);
  }
}

/** About how much room messages take; for the bound of a transaction. */
export function bytesOf(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + (message.value?.byteLength ?? 0) + 64, 0);
}
