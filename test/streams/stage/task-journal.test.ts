import { map, mergeMap } from 'rxjs';
import { describe, expect, it } from 'vitest';

import type { Journal } from '../../../operators/journal.js';
import type { Completion } from '../../../operators/language-model.js';
import { runStage } from '../../../streams/stage/run-stage.js';
import { journalTopic, type Stage } from '../../../streams/stage/stage.js';
import { TaskJournal } from '../../../streams/stage/task-journal.js';
import type { Topics } from '../../../streams/topics.js';
import {
  Commits,
  committedOffset,
  copied,
  documentRecord,
  documents,
  joinedTask,
  later,
  messagesOf,
  type Outcomes,
  put,
  stageLog,
  stageName,
  stageOf,
  turns,
} from './stage-log.js';

const journal = journalTopic(stageName);

describe('the journal of a stage', () => {
  it('has what was paid for and not committed, so that nothing is asked twice', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(5));
    const model = new CountingModel();
    const paid = later();
    const first = await runStage({
      stage: asking(model, async (n) => {
        if (n !== 0) return;
        while (model.asked.size < 5) await turns(1);
        paid.resolve();
        await new Promise(() => {});
      }),
      topics,
    });
    await paid.promise;
    await turns(20);
    first.abandon();
    await first.done;
    expect(await committedOffset(topics, 'from')).toBe(0);
    const commits = new Commits();
    const second = await runStage({ stage: asking(model), topics, committed: commits.add });
    await commits.reach(5);
    second.drain();
    await second.done;
    expect([...model.asked.values()]).toEqual([1, 1, 1, 1, 1]);
  });

  it('is released by the commit, and read from the committed offset on', async () => {
    const { topics } = await stageLog();
    const model = new CountingModel();
    for (const first of [0, 4]) {
      await put(topics, 'from', documents(4, first));
      const commits = new Commits();
      const run = await runStage({ stage: asking(model), topics, committed: commits.add });
      await commits.reach(4);
      run.drain();
      await run.done;
      expect(await committedOffset(topics, journal)).toBe(first + 4);
      expect(await held(topics)).toEqual([]);
    }
    expect(await messagesOf(topics, journal)).toHaveLength(8);
  });

  it('does not take up answers of committed inputs again, wherever they lie', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(2));
    const model = new CountingModel();
    const answered = later();
    const commits = new Commits();
    // The answer for record 1 is journaled before that for record 0, which is committed first.
    const run = await runStage({
      stage: asking(
        model,
        async (n) => {
          if (n === 1) await new Promise(() => {});
        },
        async (n) => {
          if (n === 0) await answered.promise;
          else setImmediate(answered.resolve);
        },
      ),
      topics,
      committed: commits.add,
    });
    await commits.reach(1);
    run.abandon();
    await run.done;
    const keys = (await messagesOf(topics, journal)).map(({ key }) => key);
    expect(keys).toEqual([documentRecord(1).id, documentRecord(0).id]);
    expect(await committedOffset(topics, journal)).toBe(0);
    expect(await held(topics)).toEqual([documentRecord(1).id]);
  });

  it.each([
    ['a stage that keeps none', false, documentRecord(0).id, 'keeps no journal'],
    ['a cause that is not inside', true, documentRecord(9).id, 'not inside it'],
  ])('refuses an answer for %s', async (_, journaled, cause, message) => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(1));
    const stage = stageOf(
      (context) =>
        mergeMap(async (input) => {
          await context.journal.put('request', cause, completion('answer'));
          return copied(input);
        }),
      { journaled },
    );
    const run = await runStage({ stage, topics });
    await expect(run.done).rejects.toMatchObject({
      code: 'operator-failed',
      message: expect.stringContaining(message),
    });
  });

  it('has an answer for each record that made an equal request, and forgets each with its own commit', async () => {
    const { topics } = await stageLog();
    const { task, membership } = await joinedTask(topics, asking(new CountingModel()));
    const [first, second] = [
      { topic: 'from', offset: 0 },
      { topic: 'from', offset: 1 },
    ];
    const opened = await TaskJournal.open(journal, task, topics);
    await opened.put('request', first, completion('paid'));
    expect(opened.get('request', second)).toBeUndefined();
    expect(opened.find('request')).toEqual(completion('paid'));
    const again = { ...completion('paid'), reused: true };
    await opened.put('request', second, again);

    for (const held of [opened, await TaskJournal.open(journal, task, topics)]) {
      expect(held.get('request', first)).toEqual(completion('paid'));
      expect(held.get('request', second)).toEqual(again);
      expect(held.release(new Map([['from', 1]]))).toBe(1);
      expect(held.get('request', first)).toBeUndefined();
      expect(held.find('request')).toEqual(again);
      expect(held.release(new Map([['from', 2]]))).toBe(2);
      expect(held.size).toBe(0);
    }
    await membership.leave();
  });

  it('has nothing to give where a stage keeps none', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(1));
    const found: unknown[] = [];
    const commits = new Commits();
    const stage = stageOf((context) =>
      map((input) => {
        found.push(context.journal.get(input.id, input.id), context.journal.find(input.id));
        return copied(input);
      }),
    );
    const run = await runStage({ stage, topics, committed: commits.add });
    await commits.reach(1);
    run.drain();
    await run.done;
    expect(found).toEqual([undefined, undefined]);
  });
});

/** A model that remembers how often it was asked what. */
class CountingModel {
  readonly asked = new Map<string, number>();

  async answer(request: string, cause: string, kept: Journal): Promise<Completion> {
    const known = kept.get(request, cause);
    if (known !== undefined) return known;
    this.asked.set(request, (this.asked.get(request) ?? 0) + 1);
    const answer = completion(`The answer to ${request}`);
    await kept.put(request, cause, answer);
    return answer;
  }
}

/** A stage that asks a model about each record, with waits before and after by the number of the record. */
function asking(
  model: CountingModel,
  after: (n: number) => Promise<void> = async () => {},
  before: (n: number) => Promise<void> = async () => {},
): Stage {
  return stageOf(
    (context) =>
      mergeMap(async (input): Promise<Outcomes> => {
        const n = input.kind === 'document' ? (input.origin.line ?? 0) - 1 : 0;
        await before(n);
        const { text } = await model.answer(input.id, input.id, context.journal);
        await after(n);
        if (text !== `The answer to ${input.id}`) throw new Error(`another answer was given: ${text}`);
        return copied(input);
      }),
    { journaled: true },
  );
}

function completion(text: string): Completion {
  const usage = { promptTokens: 1, completionTokens: 1 };
  return { text, finishReason: 'stop', usage, model: 'test', cost: null, startedAt: 0, milliseconds: 1, attempts: 1 };
}

/** The requests that a successor would find answered. */
async function held(topics: Topics): Promise<readonly string[]> {
  const { task, membership } = await joinedTask(topics, asking(new CountingModel()));
  const opened = await TaskJournal.open(journal, task, topics);
  const keys = (await messagesOf(topics, journal)).flatMap(({ key }) => (key === null ? [] : [key]));
  const found = keys.filter((key) => opened.find(key) !== undefined);
  expect(opened.size).toBe(found.length);
  await membership.leave();
  return found;
}
