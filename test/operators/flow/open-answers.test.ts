import { mergeMap, Subject } from 'rxjs';
import { expect, test } from 'vitest';

import { journaled } from '../../../engines/journaled.js';
import { inArrivalOrder } from '../../../operators/flow/in-arrival-order.js';
import { OpenAnswers } from '../../../operators/flow/open-answers.js';
import type { Outcome } from '../../../operators/flow/outcome.js';
import { surplusAfter } from '../../../operators/flow/surplus-after.js';
import type { Journal } from '../../../operators/journal.js';
import type { Completion } from '../../../operators/language-model.js';
import { answering, completion } from '../../engines/answering.js';

interface Line {
  readonly id: string;
  /** Model calls until it ends. */
  readonly calls: number;
}

/** A journal in memory; answers for `slow disk` are written when `release` is called. */
function journalInMemory() {
  const kept = new Map<string, Completion>();
  let release: () => void = () => undefined;
  const written = new Promise<void>((resolve) => {
    release = resolve;
  });
  const journal: Journal = {
    get: (request, cause) => kept.get(`${cause} ${request}`),
    find: () => undefined,
    put: async (request, cause, answer) => {
      if (cause === 'slow disk') await written;
      kept.set(`${cause} ${request}`, answer);
    },
  };
  return { journal, release };
}

/** What `surplusAfter` makes of lines that ask a model, in order of arrival; the model never answers `hangs`, nor a second call. */
function flow(answers: OpenAnswers, journal: Journal, stop: AbortSignal) {
  const model = journaled(
    answering(({ cause, seed }) =>
      cause === 'hangs' || seed === 1 ? new Promise<Completion>(() => undefined) : completion(10, 5, 0.5),
    ),
    answers.watching(journal),
  );
  async function ended(line: Line): Promise<Outcome<Line, never>> {
    for (let seed = 0; seed < line.calls; seed++) {
      await model.complete({ prompt: line.id, temperature: 0, maxTokens: 9, seed, cause: line.id });
    }
    return { kind: 'absorbed', input: line };
  }
  const source = new Subject<Line>();
  const outcomes: Outcome<Line, never>[] = [];
  source
    .pipe(surplusAfter(stop, answers)(inArrivalOrder<Line, never>(mergeMap((line) => ended(line)))))
    .subscribe((outcome) => outcomes.push(outcome));
  return { source, outcomes };
}

test('the drop of surplus has what was answered for it: before its outcome, held behind another one, or not written yet', async () => {
  const stopping = new AbortController();
  const answers = new OpenAnswers();
  const { journal, release } = journalInMemory();
  const { source, outcomes } = flow(answers, journal, stopping.signal);
  source.next({ id: 'ends', calls: 1 });
  await expect.poll(() => outcomes.length, { interval: 1 }).toBe(1);
  expect(answers.of('ends')).toEqual([]);

  source.next({ id: 'hangs', calls: 1 });
  for (const [id, calls] of [
    ['second call', 2],
    ['held', 1],
    ['slow disk', 1],
  ] as const) {
    source.next({ id, calls });
    await expect.poll(() => answers.of(id), { interval: 1 }).toHaveLength(1);
  }
  stopping.abort();
  release();
  source.next({ id: 'late', calls: 1 });
  const call = { promptTokens: 10, completionTokens: 5, cost: 0.5, startedAt: 0, milliseconds: 1 };
  expect(outcomes.slice(1)).toEqual(
    [['hangs'], ['second call', call], ['held', call], ['slow disk', call], ['late']].map(([id, ...calls]) => ({
      kind: 'dropped',
      input: expect.objectContaining({ id }),
      reason: 'surplus',
      detail: 'no more samples are wanted',
      ...(calls.length > 0 ? { calls } : {}),
    })),
  );
  expect(answers.of('held')).toEqual([]);
});

test('an answer that is looked up again counts once, and a reused one as reused', async () => {
  const answers = new OpenAnswers();
  const { journal } = journalInMemory();
  const watched = answers.watching(journal);
  await watched.put('a', 'line', { ...completion(3, 1), reused: true });
  watched.get('a', 'line');
  watched.get('b', 'line');
  watched.find('a');
  expect(answers.of('line')).toMatchObject([{ promptTokens: 3, reused: true }]);
});
