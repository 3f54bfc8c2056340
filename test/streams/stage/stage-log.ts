import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import type { Outcome } from '../../../operators/flow/outcome.js';
import { type AnyRecord, decode } from '../../../schemas/codec.js';
import type { Document } from '../../../schemas/document.js';
import { recordId } from '../../../schemas/ids.js';
import { openLog } from '../../../streams/log/open-log.js';
import { recordMessage } from '../../../streams/record-message.js';
import { readAll } from '../../../streams/stage/read-all.js';
import { runStage } from '../../../streams/stage/run-stage.js';
import type { Committed } from '../../../streams/stage/run-task.js';
import { journalTopic, type Stage, stateTopic } from '../../../streams/stage/stage.js';
import type { Membership, StoredMessage, Task, Topics } from '../../../streams/topics.js';

export type Outcomes = Outcome<AnyRecord, AnyRecord>;

export const stageName = 'tested';

/** A log in a folder of its own with the topics that a tested stage reads and writes; gone when the test ends. */
export async function stageLog(partitions = 1): Promise<{ readonly topics: Topics; readonly dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-stage-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  const spread = (name: string) => ({ name, partitions, cleanup: 'delete' as const });
  await topics.ensure([
    ...['from', 'also', 'documents', 'samples', 'ledger', 'dead-letters', 'ticks'].map(spread),
    spread(journalTopic(stageName)),
    { name: 'gathered', partitions: 1, cleanup: 'delete' },
    { name: stateTopic(stageName), partitions, cleanup: 'compact' },
  ]);
  return { topics, dir };
}

/** A stage that reads the topic `from`. */
export function stageOf(operator: Stage['operator'], changes: Partial<Stage> = {}): Stage {
  return { name: stageName, inputs: ['from'], credit: 16, stateful: false, journaled: false, operator, ...changes };
}

export function documentRecord(n: number): Document {
  return { kind: 'document', id: recordId('document', n), text: `The river rose by ${n}.`, origin: { line: n + 1 } };
}

export function documents(count: number, first = 0): readonly Document[] {
  return Array.from({ length: count }, (_, i) => documentRecord(first + i));
}

export async function put(topics: Topics, topic: string, records: readonly AnyRecord[], partition = 0): Promise<void> {
  await topics.append(records.map((record) => recordMessage(topic, partition, record)));
}

export async function messagesOf(topics: Topics, topic: string, partition = 0): Promise<readonly StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for await (const message of readAll(topics, topic, partition)) messages.push(message);
  return messages;
}

export async function recordsOf(topics: Topics, topic: string, partition = 0): Promise<readonly AnyRecord[]> {
  const messages = await messagesOf(topics, topic, partition);
  return messages.map(({ value, headers }) => decode(value ?? new Uint8Array(), headers));
}

/** The next offset that the stage's group would read from a topic. */
export async function committedOffset(topics: Topics, topic: string, partition = 0): Promise<number | undefined> {
  const offsets = await topics.committed(stageName);
  return offsets.find((offset) => offset.topic === topic && offset.partition === partition)?.offset;
}

/** What a stage has committed, over restarts, and a wait for more. */
export class Commits {
  readonly all: Committed[] = [];
  readonly #waiting = new Map<() => void, number>();

  /** To be given to the stage. */
  readonly add = (committed: Committed): void => {
    this.all.push(committed);
    for (const [resolve, count] of this.#waiting) if (this.outcomes.length >= count) resolve();
  };

  get outcomes(): readonly Outcomes[] {
    return this.all.flatMap(({ outcomes }) => outcomes);
  }

  /** Resolves when so many outcomes are committed. */
  reach(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.outcomes.length >= count) resolve();
      else this.#waiting.set(resolve, count);
    });
  }
}

export function copied(input: AnyRecord): Outcomes {
  return { kind: 'emitted', input, outputs: [input] };
}

/** A promise that is resolved from outside. */
export function later(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Lets everything else run that can, so many times over. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** When a stage is stopped: after so many records went into its operator, with or without letting them finish. */
export interface Cut {
  readonly after: number;
  readonly how: 'drain' | 'abandon';
}

/** Runs a stage over `count` waiting records with a restart at each cut, until all are committed. */
export async function runWithRestarts(
  topics: Topics,
  stage: (entered: () => void) => Stage,
  count: number,
  cuts: readonly Cut[],
): Promise<Commits> {
  const commits = new Commits();
  const left = () => count - commits.outcomes.length;
  for (const { after, how } of cuts) {
    if (left() === 0) break;
    let entering = Math.min(after, left());
    const cut = later();
    const entered = () => {
      entering--;
      if (entering === 0) cut.resolve();
    };
    const run = await runStage({ stage: stage(entered), topics, committed: commits.add });
    await cut.promise;
    run[how]();
    await run.done;
  }
  const run = await runStage({ stage: stage(() => {}), topics, committed: commits.add });
  await commits.reach(count);
  run.drain();
  await run.done;
  return commits;
}

/** A stage's task as `join` gives it, and how many messages it has fetched of each topic. */
export async function joinedTask(
  topics: Topics,
  stage: Stage,
): Promise<{ readonly task: Task; readonly fetched: Map<string, number>; readonly membership: Membership }> {
  const assigned: Task[] = [];
  const inputs = stage.journaled ? [...stage.inputs, journalTopic(stage.name)] : stage.inputs;
  const membership = await topics.join({ group: stage.name, topics: inputs, assigned: (task) => assigned.push(task) });
  const [task] = assigned;
  if (task === undefined) throw new Error('the log assigned no task');
  const fetched = new Map<string, number>();
  const counting: Task = {
    partition: task.partition,
    committed: task.committed,
    lost: task.lost,
    fetch: async (topic, from, bounds, signal) => {
      const messages = await task.fetch(topic, from, bounds, signal);
      fetched.set(topic, (fetched.get(topic) ?? 0) + messages.length);
      return messages;
    },
    append: (messages) => task.append(messages),
    commit: (transaction) => task.commit(transaction),
  };
  return { task: counting, fetched, membership };
}
