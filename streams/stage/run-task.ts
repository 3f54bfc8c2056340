import { Subject, Subscription } from 'rxjs';
import type { Changes, Outcome } from '../../operators/flow/outcome.js';
import type { AnyRecord } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { crashPoint } from '../crash-point.js';
import { deferred } from '../deferred.js';
import type { StoredMessage, Task, Topics } from '../topics.js';
import { countOutcomes, countsKey, noOutcomes, type OutcomeCounts } from './outcome-counts.js';
import { type Effect, type Place, type Progress, type ProgressEvent, startOf, step } from './progress.js';
import { type Entrant, readMessages } from './read-messages.js';
import { buried, resultOf } from './result-of.js';
import { type Result, Results } from './results.js';
import { journalTopic, type Stage, stateTopic } from './stage.js';
import { operatorJournal, TaskJournal } from './task-journal.js';
import { changelog, type RestoreProgress, restoreMemory } from './task-memory.js';

/** What a commit made final. */
export interface Committed {
  readonly stage: string;
  readonly partition: number;
  readonly outcomes: readonly Outcome<AnyRecord, AnyRecord>[];
  readonly counts: OutcomeCounts;
}

export interface TaskOptions {
  readonly stage: Stage;
  readonly task: Task;
  readonly topics: Topics;
  readonly committed?: (committed: Committed) => void;
  /** Told how far the task's memory has come back. */
  readonly restoring?: (progress: RestoreProgress) => void;
}

/** Restores a task's memory and journal, then runs its stage's operator between the topics until it is drained or lost. */
export async function startTask(options: TaskOptions): Promise<TaskRun> {
  const { stage, task, topics } = options;
  const started = performance.now();
  const memory = await restoreMemory(stateTopic(stage.name), task, topics, options.restoring);
  const journal = stage.journaled ? await TaskJournal.open(journalTopic(stage.name), task, topics) : undefined;
  return new TaskRun(options, memory, journal, performance.now() - started);
}

/** One operator at work on one partition: the I/O around `step`. */
export class TaskRun {
  /** `drained`: all that was finished is committed; `lost`: another member has the task. Rejects when the operator fails. */
  readonly done: Promise<'drained' | 'lost'>;
  readonly partition: number;

  #progress: Progress;
  #counts: OutcomeCounts;
  /** Records inside the operator, with the messages they came in. */
  readonly #inputs = new Map<AnyRecord, StoredMessage>();
  readonly #results = new Results();
  /** Finished since the last step. */
  #finished: Place[] = [];
  readonly #source = new Subject<AnyRecord>();
  readonly #fetching = new AbortController();
  /** The offsets after which a finishing task drains. */
  #finishAt: ReadonlyMap<string, number> | undefined;
  #committing: Promise<void> = Promise.resolve();
  #dueTimer: NodeJS.Timeout | undefined;
  /** Set when nothing more must be begun. */
  #failed = false;
  readonly #subscription = new Subscription();
  readonly #end = deferred<'drained' | 'lost'>();

  constructor(
    private readonly options: TaskOptions,
    memory: ReadonlyMap<string, unknown>,
    private readonly journal: TaskJournal | undefined,
    readonly restoreMs: number,
  ) {
    const { stage, task, topics } = options;
    this.partition = task.partition;
    this.done = this.#end.promise;
    this.#counts = (memory.get(countsKey) as OutcomeCounts | undefined) ?? noOutcomes;
    const committed = new Map(stage.inputs.map((topic) => [topic, task.committed.get(topic) ?? 0]));
    const { commitEveryMs, commitRecords } = topics.limits;
    this.#progress = startOf({
      committed,
      credit: stage.credit,
      creditBytes: stage.creditBytes,
      ordered: stage.stateful,
      commitRecords: commitEveryMs > 0 ? commitRecords : undefined,
    });
    if (task.lost.aborted) {
      this.#endAs('lost');
      return;
    }
    task.lost.addEventListener('abort', () => this.#endAs('lost'), { once: true });
    const operator = stage.operator({
      partition: task.partition,
      memory,
      journal: operatorJournal(stage.name, journal, (cause) => this.#placeOf(cause)),
      positionOf: (record) => this.#inputs.get(record),
    });
    const outcomes = this.#source.pipe(operator).subscribe({
      next: (outcome) => this.#taken(outcome),
      error: (error) => this.#fail(error),
      complete: () => this.#ended(),
    });
    this.#subscription.add(outcomes);
    this.#dispatch({ type: 'started' });
  }

  /** Records that are inside the operator or wait for their commit. */
  get inFlight(): number {
    return this.#progress.inputs.reduce((sum, input) => sum + input.entries.length, 0);
  }

  get counts(): OutcomeCounts {
    return this.#counts;
  }

  /** Fetches nothing more, lets the operator finish what it has, commits, and ends. */
  drain(): void {
    this.#dispatch({ type: 'drain' });
    this.#fetching.abort();
    this.#source.complete();
  }

  /** Takes in what the topics hold by now, then drains. */
  finish(): void {
    this.#ends()
      .then((ends) => {
        this.#finishAt = ends;
        return this.#drainAtEnd();
      })
      .catch((error) => this.#fail(error));
  }

  /** Drops what is still inside the operator, aborting its model calls, commits what is finished, and ends. */
  abandon(): void {
    this.drain();
    this.#subscription.unsubscribe();
    this.#ended();
  }

  #dispatch(event: ProgressEvent): void {
    if (this.#failed) return;
    const { progress, effects } = step(this.#progress, event);
    this.#progress = progress;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    if (effect.type === 'stop') this.#endAs('drained');
    else if (effect.type === 'fetch') this.#fetch(effect).catch((error) => this.#fail(error));
    else {
      this.#committing = this.#commit(effect.offsets);
      this.#committing.catch((error) => this.#fail(error));
    }
  }

  async #fetch({ topic, from, maxRecords, maxBytes }: Extract<Effect, { type: 'fetch' }>): Promise<void> {
    const bounds = { maxRecords, maxBytes: Math.min(maxBytes, maxFetchBytes) };
    const messages = await this.options.task.fetch(topic, from, bounds, this.#fetching.signal);
    const { signal } = this.#fetching;
    // Before they count as fetched, or the next ones could overtake those that are read slowly.
    const entrants = await readMessages(messages, this.options.stage.decode, signal);
    if (signal.aborted || this.options.task.lost.aborted) return;
    const records = messages.map(({ offset, value }) => ({ offset, bytes: value?.byteLength ?? 0 }));
    this.#dispatch({ type: 'fetched', topic, records });
    for (const entrant of entrants) this.#enter(entrant);
    await this.#drainAtEnd();
  }

  async #ends(): Promise<ReadonlyMap<string, number>> {
    const { stage, topics } = this.options;
    const ends = new Map<string, number>();
    for (const topic of stage.inputs) ends.set(topic, (await topics.offsets(topic))[this.partition]?.high ?? 0);
    return ends;
  }

  /** What stands before an end need not be a message: where none is left to read, none will be fetched. */
  async #drainAtEnd(): Promise<void> {
    const ends = this.#finishAt;
    if (ends === undefined) return;
    for (const { topic, next } of this.#progress.inputs) {
      const end = ends.get(topic) ?? 0;
      if (next >= end) continue;
      const [left] = await this.options.topics.read(topic, this.partition, next, { maxRecords: 1, maxBytes: 1 });
      if (left !== undefined && left.offset < end) return;
    }
    if (!this.#fetching.signal.aborted) this.drain();
  }

  #enter(entrant: Entrant): void {
    const { message } = entrant;
    if ('fault' in entrant) {
      this.#finish(message, buried(this.options, message, entrant.fault));
      return;
    }
    this.#inputs.set(entrant.record, message);
    this.#source.next(entrant.record);
  }

  /** What a subscriber throws would end the process instead of the stage. */
  #taken(outcome: Outcome<AnyRecord, AnyRecord>): void {
    try {
      this.#take(outcome);
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(outcome: Outcome<AnyRecord, AnyRecord>): void {
    const { stage } = this.options;
    const message = this.#inputs.get(outcome.input);
    if (message === undefined) {
      throw new HeadwaterError('operator-failed', `${stage.name} ended a record twice, or one it was not given`);
    }
    this.#inputs.delete(outcome.input);
    this.#finish(message, resultOf(this.options, message, outcome));
  }

  #finish(message: StoredMessage, result: Result): void {
    const { topic, offset } = message;
    const place = { topic, offset };
    this.#results.add(place, result);
    this.#finished.push(place);
    if (this.#finished.length === 1) queueMicrotask(() => this.#flush());
  }

  /** One step for all that finished in the same turn. */
  #flush(): void {
    const places = this.#finished;
    this.#finished = [];
    if (places.length > 0) this.#dispatch({ type: 'finished', places });
  }

  async #commit(offsets: ReadonlyMap<string, number>): Promise<void> {
    const { stage, task, topics } = this.options;
    const { commitEveryMs } = topics.limits;
    const results = this.#results.takeBelow(offsets);
    const outcomes = results.map(({ outcome }) => outcome);
    const counts = countOutcomes(this.#counts, outcomes);
    const changes: readonly Changes[] = [...outcomes.map(({ changes = [] }) => changes), [[countsKey, counts]]];
    const memory = changelog(stateTopic(stage.name), task.partition, changes);
    const outputs = [...results.flatMap(({ messages }) => messages), ...memory];
    crashPoint(`${stage.name}.commit.before`);
    await task.commit({ outputs, offsets: this.#withJournal(offsets) });
    crashPoint(`${stage.name}.commit.after`);
    this.#counts = counts;
    this.#dispatch({ type: 'committed', offsets });
    clearTimeout(this.#dueTimer);
    if (this.#progress.held) this.#dueTimer = setTimeout(() => this.#dispatch({ type: 'due' }), commitEveryMs);
    this.options.committed?.({ stage: stage.name, partition: task.partition, outcomes, counts });
  }

  #withJournal(offsets: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    if (this.journal === undefined) return offsets;
    return new Map([...offsets, [this.journal.topic, this.journal.release(offsets)]]);
  }

  #placeOf(cause: string): Place | undefined {
    for (const [{ id }, { topic, offset }] of this.#inputs) if (id === cause) return { topic, offset };
    return undefined;
  }

  #ended(): void {
    this.#flush();
    this.#dispatch({ type: 'ended' });
  }

  #endAs(how: 'drained' | 'lost'): void {
    this.#stop();
    this.#end.resolve(how);
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#stop();
    this.#isLost().then((lost) => {
      if (lost) this.#end.resolve('lost');
      else this.#end.reject(error);
    });
  }

  /**
   * A process that was asleep may meet what its successor has done before it learns that the task is lost, as in a manifest that
   * somebody else wrote to. An empty commit tells.
   */
  async #isLost(): Promise<boolean> {
    const { task } = this.options;
    await this.#committing.catch(() => undefined);
    if (!task.lost.aborted) await task.commit({ outputs: [], offsets: new Map() }).catch(() => undefined);
    return task.lost.aborted;
  }

  #stop(): void {
    clearTimeout(this.#dueTimer);
    this.#fetching.abort();
    this.#subscription.unsubscribe();
  }
}

const maxFetchBytes = 4 * 2 ** 20;
