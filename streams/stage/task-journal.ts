import type { Journal } from '../../operators/journal.js';
import type { Completion } from '../../operators/language-model.js';
import { parseJson } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { crashPoint } from '../crash-point.js';
import type { StoredMessage, Task, Topics } from '../topics.js';
import type { Place } from './progress.js';
import { readAll } from './read-all.js';

interface Answer {
  readonly completion: Completion;
  /** The input that it was asked for. */
  readonly cause: Place;
  /** Its own place on the journal. */
  readonly offset: number;
}

const bytes = new TextEncoder();
const causeTopicHeader = 'cause-topic';
const causeOffsetHeader = 'cause-offset';

/**
 * A task's answers that no commit has used yet, on the journal topic of its stage, partition for partition. Whoever takes
 * the partition over reads them from the committed offset on, and passes over those of inputs that are committed. In memory:
 * the answers of uncommitted inputs only.
 */
export class TaskJournal {
  /** Of equal requests one for each record, of which the first was paid for. */
  readonly #answers = new Map<string, Answer[]>();
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
    return [...this.#answers.values()].reduce((sum, answers) => sum + answers.length, 0);
  }

  /** The answer that was given for an input. */
  get(request: string, cause: Place): Completion | undefined {
    return this.#answers.get(request)?.find((answer) => isSame(answer.cause, cause))?.completion;
  }

  /** The answer that was given for any input. */
  find(request: string): Completion | undefined {
    return this.#answers.get(request)?.[0]?.completion;
  }

  async put(request: string, cause: Place, completion: Completion): Promise<void> {
    const value = bytes.encode(JSON.stringify(completion));
    const { partition } = this.task;
    const headers = { [causeTopicHeader]: cause.topic, [causeOffsetHeader]: String(cause.offset) };
    crashPoint(`${this.topic}.append.before`);
    const [offset = this.#end] = await this.task.append([
      { topic: this.topic, partition, key: request, value, headers },
    ]);
    crashPoint(`${this.topic}.append.after`);
    this.#keep(request, { completion, cause, offset });
  }

  /** Forgets the answers of inputs below the offsets; returns the offset from which a successor must read. */
  release(committed: ReadonlyMap<string, number>): number {
    let low = this.#end;
    for (const [request, answers] of this.#answers) {
      const left = answers.filter(({ cause }) => !isBelow(cause, committed));
      if (left.length === 0) this.#answers.delete(request);
      else if (left.length < answers.length) this.#answers.set(request, left);
      for (const { offset } of left) low = Math.min(low, offset);
    }
    return low;
  }

  #restore({ key, value, headers, offset }: StoredMessage): void {
    this.#end = Math.max(this.#end, offset + 1);
    if (key === null || value === null) return;
    const cause = answerCause(headers);
    if (isBelow(cause, this.task.committed)) return;
    this.#keep(key, { completion: parseJson(value) as Completion, cause, offset });
  }

  #keep(request: string, answer: Answer): void {
    const others = this.#answers.get(request);
    if (others === undefined) this.#answers.set(request, [answer]);
    else others.push(answer);
    this.#end = Math.max(this.#end, answer.offset + 1);
  }
}

/** The input that an answer on a journal topic was asked for. */
export function answerCause(headers: StoredMessage['headers']): Place {
  return { topic: headers[causeTopicHeader] ?? '', offset: Number(headers[causeOffsetHeader]) };
}

/**
 * A journal as operators see it: causes are ids of records inside the operator, whose places `placeOf` knows. Rejects with
 * `operator-failed` for another cause, and where the stage keeps no journal.
 */
export function operatorJournal(
  stage: string,
  journal: TaskJournal | undefined,
  placeOf: (cause: string) => Place | undefined,
): Journal {
  return {
    get: (request, cause) => {
      // First whether there is any: to look for a cause takes longer.
      const place = journal?.find(request) && placeOf(cause);
      return place && journal?.get(request, place);
    },
    find: (request) => journal?.find(request),
    put: async (request, cause, completion) => {
      if (journal === undefined) throw new HeadwaterError('operator-failed', `the stage ${stage} keeps no journal`);
      const place = placeOf(cause);
      if (place === undefined) {
        const what = `${stage} journals an answer for ${cause}, which is not inside it: the cause must be an input's id`;
        throw new HeadwaterError('operator-failed', what);
      }
      await journal.put(request, place, completion);
    },
  };
}

function isSame(a: Place, b: Place): boolean {
  return a.offset === b.offset && a.topic === b.topic;
}

function isBelow({ topic, offset }: Place, offsets: ReadonlyMap<string, number>): boolean {
  return offset < (offsets.get(topic) ?? 0);
}
