import type { Journal } from '../../operators/journal.js';
import type { Completion } from '../../operators/language-model.js';
import { parseJson } from '../../schemas/codec.js';
import { crashPoint } from '../crash-point.js';
import type { StoredMessage, Task, Topics } from '../topics.js';
import { readAll } from './read-all.js';

interface Answer {
  readonly completion: Completion;
  readonly cause: string;
  readonly offset: number;
}

const bytes = new TextEncoder();
const causeHeader = 'cause';

/**
 * A task's answers that no commit has used yet, on the journal topic of its stage, partition for partition. Whoever takes
 * the partition over reads them from the committed offset on. In memory: the answers of uncommitted inputs only.
 */
export class TaskJournal implements Journal {
  readonly #answers = new Map<string, Answer>();
  /** Where a reader would find the next answer. */
  #end: number;

  private constructor(
    readonly topic: string,
    private readonly task: Task,
  ) {
    this.#end = task.committed.get(topic) ?? 0;
  }

  static async open(topic: string, task: Task, topics: Topics): Promise<TaskJournal> {
    const journal = new TaskJournal(topic, task);
    for await (const message of readAll(topics, topic, task.partition, journal.#end)) journal.#restore(message);
    return journal;
  }

  /** Answers that are held. */
  get size(): number {
    return this.#answers.size;
  }

  get(request: string): Completion | undefined {
    return this.#answers.get(request)?.completion;
  }

  async put(request: string, cause: string, completion: Completion): Promise<void> {
    const value = bytes.encode(JSON.stringify(completion));
    const { partition } = this.task;
    crashPoint(`${this.topic}.append.before`);
    const [offset = this.#end] = await this.task.append([
      { topic: this.topic, partition, key: request, value, headers: { [causeHeader]: cause } },
    ]);
    crashPoint(`${this.topic}.append.after`);
    this.#keep(request, { completion, cause, offset });
  }

  /** Forgets the answers of committed inputs; returns the offset from which a successor must read. */
  release(causes: ReadonlySet<string>): number {
    let low = this.#end;
    for (const [request, { cause, offset }] of this.#answers) {
      if (causes.has(cause)) this.#answers.delete(request);
      else low = Math.min(low, offset);
    }
    return low;
  }

  #restore({ key, value, headers, offset }: StoredMessage): void {
    if (key === null || value === null) return;
    const completion = parseJson(value) as Completion;
    this.#keep(key, { completion, cause: headers[causeHeader] ?? '', offset });
  }

  #keep(request: string, answer: Answer): void {
    this.#answers.set(request, answer);
    this.#end = Math.max(this.#end, answer.offset + 1);
  }
}
