import { HeadwaterError } from '../../schemas/errors.js';
import { sharePartitions } from '../share-partitions.js';
import type { GroupOptions, Membership, Task } from '../topics.js';
import { type Grant, type LogParts, LogTask } from './log-task.js';

interface Member {
  readonly assigned: (task: Task) => void;
}

interface Held {
  readonly member: Member;
  readonly task: LogTask;
}

/**
 * The members that a group has in this process. They share its partitions; a member of another process that joins later takes all
 * of them, and nobody here takes them back before somebody joins here again.
 */
export class ConsumerGroup {
  readonly #members: Member[] = [];
  /** By partition. */
  readonly #held = new Map<number, Held>();
  /** Partitions that another process has taken. */
  readonly #ceded = new Set<number>();
  /** Changes of the membership happen one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    private readonly parts: LogParts,
    readonly name: string,
    readonly topics: readonly string[],
    private readonly partitions: number,
    private readonly from: GroupOptions['from'],
  ) {}

  async join({ assigned, topics }: GroupOptions): Promise<Membership> {
    this.#checkTopics(topics);
    const member = { assigned };
    await this.#inTurn(async () => {
      this.#members.push(member);
      this.#ceded.clear();
      try {
        await this.#share();
      } catch (error) {
        this.#remove(member);
        throw error;
      }
    });
    return { leave: () => this.#leave(member) };
  }

  /** All members leave; nobody follows. */
  close(): void {
    this.#closed = true;
    for (const member of [...this.#members]) this.#remove(member);
  }

  async #leave(member: Member): Promise<void> {
    this.#remove(member);
    await this.#inTurn(() => this.#share());
  }

  #remove(member: Member): void {
    const index = this.#members.indexOf(member);
    if (index >= 0) this.#members.splice(index, 1);
    for (const [partition, held] of this.#held) if (held.member === member) this.#lose(partition);
  }

  /** Moves partitions until the shares are even. Who loses one knows it before the next one gets it. */
  async #share(): Promise<void> {
    const holders = Array.from({ length: this.partitions }, (_, partition) => this.#held.get(partition)?.member);
    const shares = sharePartitions(this.#members, holders);
    const open = new Map<number, Member>();
    for (const [partition, member] of shares.entries()) {
      if (this.#held.get(partition)?.member === member) continue;
      this.#lose(partition);
      if (member !== undefined && !this.#ceded.has(partition)) open.set(partition, member);
    }
    if (open.size === 0 || this.#closed) return;
    for (const grant of await this.#grants([...open.keys()])) this.#assign(grant, open.get(grant.partition));
  }

  /** In one transaction: earlier holders are shut out, and their last commit is seen. */
  #grants(partitions: readonly number[]): Promise<readonly Grant[]> {
    const { name: group, topics, from } = this;
    return this.parts.writer.write(0, (transaction) =>
      partitions.map((partition) => ({
        group,
        partition,
        generation: transaction.nextGeneration(group, partition),
        committed: new Map(topics.map((topic) => [topic, transaction.startOffset(group, topic, partition, from)])),
      })),
    );
  }

  #assign(grant: Grant, member: Member | undefined): void {
    if (member === undefined || !this.#members.includes(member)) return;
    const task: LogTask = new LogTask(this.parts, grant, () => {
      if (task.lost.aborted) return;
      this.#ceded.add(grant.partition);
      this.#lose(grant.partition);
    });
    this.#held.set(grant.partition, { member, task });
    member.assigned(task);
  }

  #lose(partition: number): void {
    const held = this.#held.get(partition);
    this.#held.delete(partition);
    held?.task.lose();
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(change);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #checkTopics(topics: readonly string[]): void {
    if (topics.length === this.topics.length && topics.every((topic) => this.topics.includes(topic))) return;
    const text = `the group '${this.name}' consumes ${this.topics.join(', ')}; a member asked for ${topics.join(', ')}`;
    throw new HeadwaterError('topic-misfit', text);
  }
}
