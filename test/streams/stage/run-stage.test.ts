import { map, mergeMap, Observable, Subject, switchMap, throwError } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';

import type { AnyRecord } from '../../../schemas/codec.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import { noOutcomes } from '../../../streams/stage/outcome-counts.js';
import { runStage } from '../../../streams/stage/run-stage.js';
import { startTask } from '../../../streams/stage/run-task.js';
import type { Stage } from '../../../streams/stage/stage.js';
import {
  Commits,
  committedOffset,
  copied,
  documentRecord,
  documents,
  joinedTask,
  later,
  type Outcomes,
  put,
  recordsOf,
  runWithRestarts,
  stageLog,
  stageOf,
  turns,
} from './stage-log.js';

describe('credit', () => {
  it('is never exceeded, and an operator that is full stops the fetching', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(100));
    const { operator, inside, release } = holding();
    const stage = stageOf(operator, { credit: 8 });
    const { task, fetched, membership } = await joinedTask(topics, stage);
    const commits = new Commits();
    const run = await startTask({ stage, task, topics, committed: commits.add });
    await vi.waitFor(() => expect(inside).toHaveLength(8));
    await turns(20);
    expect(fetched.get('from')).toBe(8);
    for (let finished = 1; finished <= 92; finished++) {
      release(0);
      await commits.reach(finished);
      expect(run.inFlight).toBeLessThanOrEqual(8);
      expect((fetched.get('from') ?? 0) - finished).toBeLessThanOrEqual(8);
    }
    run.abandon();
    await run.done;
    await membership.leave();
    expect(await committedOffset(topics, 'from')).toBe(92);
  });

  it('is also bounded in bytes, where one record always fits', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(10));
    const { operator, inside } = holding();
    const run = await runStage({ stage: stageOf(operator, { creditBytes: 1 }), topics });
    await vi.waitFor(() => expect(inside).toHaveLength(1));
    await turns(20);
    expect(inside).toHaveLength(1);
    run.abandon();
    await run.done;
  });
});

describe('the end of a stage', () => {
  it('waits for what is in flight when drained', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(3));
    const { operator, inside, release } = holding();
    const run = await runStage({ stage: stageOf(operator), topics });
    await vi.waitFor(() => expect(inside).toHaveLength(3));
    let ended = false;
    const done = run.done.then(() => {
      ended = true;
    });
    run.drain();
    await turns(20);
    expect(ended).toBe(false);
    await put(topics, 'from', documents(1, 3));
    for (let i = 0; i < 3; i++) release(0);
    await done;
    expect(run.partitions).toEqual([]);
    expect(await recordsOf(topics, 'documents')).toEqual(documents(3));
    expect(await committedOffset(topics, 'from')).toBe(3);
  });

  it('aborts what is in flight when abandoned, commits what is finished, and leaves the rest', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(3));
    const { operator, inside, release, aborted } = holding();
    const run = await runStage({ stage: stageOf(operator), topics });
    await vi.waitFor(() => expect(inside).toHaveLength(3));
    release(0);
    release(1);
    run.abandon();
    await run.done;
    expect(aborted()).toBe(1);
    expect(await recordsOf(topics, 'documents')).toEqual([documentRecord(0)]);
    expect(await committedOffset(topics, 'from')).toBe(1);
  });

  it('can be abandoned while it drains', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(3));
    const { operator, inside, aborted } = holding();
    const run = await runStage({ stage: stageOf(operator), topics });
    await vi.waitFor(() => expect(inside).toHaveLength(3));
    run.drain();
    run.abandon();
    await run.done;
    expect(aborted()).toBe(3);
    expect(await committedOffset(topics, 'from')).toBe(0);
  });

  it('comes at once where there is nothing to do', async () => {
    const { topics } = await stageLog();
    const run = await runStage({ stage: stageOf(() => map(copied)), topics });
    run.drain();
    await expect(run.done).resolves.toBeUndefined();
  });
});

describe('a failure', () => {
  const outOfOrder = new Error('the operator is out of order');

  it('of the operator fails the stage and loses nothing', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(10));
    const failing = stageOf(() =>
      mergeMap((input) => (input.id === documentRecord(5).id ? throwError(() => outOfOrder) : [copied(input)])),
    );
    const run = await runStage({ stage: failing, topics });
    await expect(run.done).rejects.toBe(outOfOrder);
    expect(run.partitions).toEqual([]);
    const commits = await runWithRestarts(topics, () => stageOf(() => map(copied)), 10 - (await copies(topics)), []);
    expect(commits.all.at(-1)?.counts).toEqual({ ...noOutcomes, emitted: 10 });
    expect(await recordsOf(topics, 'documents')).toEqual(documents(10));
  });

  it('of one partition ends the stage on the others', async () => {
    const { topics } = await stageLog(2);
    await put(topics, 'from', documents(1), 0);
    const aborted = later();
    const stage = stageOf(({ partition }) =>
      partition === 0 ? switchMap(() => throwError(() => outOfOrder)) : () => new Observable(() => aborted.resolve),
    );
    const run = await runStage({ stage, topics });
    await expect(run.done).rejects.toBe(outOfOrder);
    await aborted.promise;
  });

  it.each<[string, Stage['operator'], string]>([
    ['ends a record twice', () => mergeMap((input) => [copied(input), copied(input)]), 'ended a record twice'],
    ['ends a record that it was not given', () => map(() => copied(documentRecord(7))), 'one it was not given'],
  ])('is an operator that %s', async (_, operator, message) => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(1));
    const run = await runStage({ stage: stageOf(operator), topics });
    await expect(run.done).rejects.toMatchObject({
      code: 'operator-failed',
      message: expect.stringContaining(message),
    });
  });

  it('is an operator that cannot be made', async () => {
    const { topics } = await stageLog();
    const stage = stageOf(() => {
      throw new HeadwaterError('operator-failed', 'its memory is of another version');
    });
    const run = await runStage({ stage, topics });
    await expect(run.done).rejects.toThrow('another version');
  });
});

describe('a group', () => {
  it('of two members shares four partitions and does everything once', async () => {
    const { topics } = await stageLog(4);
    for (const partition of [0, 1, 2, 3]) await put(topics, 'from', documents(50, partition * 100), partition);
    const commits = new Commits();
    const stage = stageOf(() =>
      mergeMap(async (input) => {
        await turns(1);
        return copied(input);
      }),
    );
    const first = await runStage({ stage, topics, committed: commits.add });
    await commits.reach(20);
    const second = await runStage({ stage, topics, committed: commits.add });
    await commits.reach(200);
    expect(first.partitions.length).toBe(2);
    expect([...first.partitions, ...second.partitions].toSorted()).toEqual([0, 1, 2, 3]);
    first.drain();
    second.drain();
    await Promise.all([first.done, second.done]);
    for (const partition of [0, 1, 2, 3]) {
      const copies = await recordsOf(topics, 'documents', partition);
      expect(copies.map(({ id }) => id).toSorted()).toEqual(
        documents(50, partition * 100)
          .map(({ id }) => id)
          .toSorted(),
      );
    }
    expect(commits.outcomes).toHaveLength(200);
  });

  it('that gives a task to another member drops its work there, which never commits', async () => {
    const { topics } = await stageLog(2);
    await put(topics, 'from', documents(3), 0);
    await put(topics, 'from', documents(3, 10), 1);
    const { operator, inside, aborted, release } = holding();
    const mine = new Commits();
    const first = await runStage({ stage: stageOf(operator), topics, committed: mine.add });
    await vi.waitFor(() => expect(inside).toHaveLength(6));
    const theirs = new Commits();
    const second = await runStage({ stage: stageOf(() => map(copied)), topics, committed: theirs.add });
    await theirs.reach(3);
    const [moved = -1] = second.partitions;
    const [kept = -1] = first.partitions;
    expect(new Set([moved, kept])).toEqual(new Set([0, 1]));
    expect(aborted()).toBe(3);
    for (let i = 0; i < 6; i++) release(0);
    await mine.reach(3);
    first.drain();
    second.drain();
    await Promise.all([first.done, second.done]);
    expect(mine.all.every(({ partition }) => partition === kept)).toBe(true);
    expect(await recordsOf(topics, 'documents', moved)).toHaveLength(3);
    expect(await recordsOf(topics, 'documents', kept)).toHaveLength(3);
  });

  it('whose task is lost while its memory is restored does not start the operator', async () => {
    const { topics } = await stageLog();
    let started = 0;
    const stage = stageOf(() => {
      started++;
      return map(copied);
    });
    const { task, membership } = await joinedTask(topics, stage);
    await membership.leave();
    const run = await startTask({ stage, task, topics });
    await expect(run.done).resolves.toBe('lost');
    expect(started).toBe(0);
  });
});

/** An operator that holds everything, until it is told to finish the one at a place. */
function holding() {
  const inside: { readonly input: AnyRecord; readonly end: Subject<Outcomes>; aborted: boolean; ended: boolean }[] = [];
  const all: typeof inside = [];
  const operator: Stage['operator'] = () =>
    mergeMap(
      (input) =>
        new Observable<Outcomes>((subscriber) => {
          const record = { input, end: new Subject<Outcomes>(), aborted: false, ended: false };
          inside.push(record);
          all.push(record);
          record.end.subscribe(subscriber);
          return () => {
            record.aborted = !record.ended;
          };
        }),
    );
  const release = (place: number) => {
    const [record] = inside.splice(place, 1);
    if (record === undefined) return;
    record.ended = true;
    record.end.next(copied(record.input));
    record.end.complete();
  };
  return { operator, inside, release, aborted: () => all.filter(({ aborted }) => aborted).length };
}

async function copies(topics: Awaited<ReturnType<typeof stageLog>>['topics']): Promise<number> {
  return (await recordsOf(topics, 'documents')).length;
}
