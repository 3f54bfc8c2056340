import { afterEach, describe, expect, it } from 'vitest';

import { type JournaledOptions, journaled } from '../../engines/journaled.js';
import { openai } from '../../engines/openai/openai.js';
import { requestHash } from '../../engines/request-hash.js';
import type { Journal, PaidAnswers } from '../../operators/journal.js';
import type { Completion, CompletionRequest } from '../../operators/language-model.js';
import { type FakeEndpoint, startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const request: CompletionRequest = { prompt: 'Subject:', temperature: 0.7, maxTokens: 100, cause: 'plan-1' };

/** A journal in memory, whose writes end when `written` does. */
function memoryJournal(written: Promise<void> = Promise.resolve()) {
  const entries: { readonly hash: string; readonly cause: string; readonly completion: Completion }[] = [];
  const journal: Journal = {
    get: (hash, cause) => entries.find((entry) => entry.hash === hash && entry.cause === cause)?.completion,
    find: (hash) => entries.find((entry) => entry.hash === hash)?.completion,
    put: async (hash, cause, completion) => {
      await written;
      entries.push({ hash, cause, completion });
    },
  };
  return { journal, entries };
}

async function setUp(journal: Journal, server?: FakeEndpoint, options: JournaledOptions = {}) {
  const endpoint = server ?? (await startFakeEndpoint());
  const model = journaled(openai({ url: endpoint.url, model: 'fake', retries: 0 }), journal, options);
  closing.push(
    () => endpoint.close(),
    () => model.close(),
  );
  return { endpoint, model };
}

it('asks once, and gives the same answer from then on, after a restart too', async () => {
  const { journal, entries } = memoryJournal();
  const { endpoint, model } = await setUp(journal);
  const first = await model.complete(request);
  expect(first.reused).toBeUndefined();
  const { model: restarted } = await setUp(journal, endpoint);
  expect(await restarted.complete(request)).toEqual(first);
  expect(endpoint.stats().requests).toBe(1);
  expect(entries).toEqual([{ hash: expect.any(String), cause: 'plan-1', completion: first }]);
});

it('gives another record with an equal request the same answer, reused and journaled for it too', async () => {
  const { journal, entries } = memoryJournal();
  const { endpoint, model } = await setUp(journal);
  const first = await model.complete(request);
  const again = await model.complete({ ...request, cause: 'plan-2' });
  expect(again).toEqual({ ...first, reused: true });
  // A replay finds each record's own: one was paid for, the other was not.
  expect(await model.complete(request)).toEqual(first);
  expect(await model.complete({ ...request, cause: 'plan-2' })).toEqual(again);
  expect(entries.map(({ cause }) => cause)).toEqual(['plan-1', 'plan-2']);
  expect(endpoint.stats().requests).toBe(1);
});

describe('answers that other runs have paid for', () => {
  const paidFor: Completion = {
    ...{ text: 'paid before', finishReason: 'stop', usage: { promptTokens: 3, completionTokens: 2 } },
    ...{ model: 'openai/fake', cost: 0.5, startedAt: 1000, milliseconds: 20, attempts: 1 },
  };

  it('are given out and journaled, and the model is not asked', async () => {
    const { journal, entries } = memoryJournal();
    const paid: PaidAnswers = {
      find: async (hash) => (hash === requestHash('openai/fake', request) ? paidFor : undefined),
    };
    const { endpoint, model } = await setUp(journal, undefined, { paid });
    expect(await model.complete(request)).toEqual({ ...paidFor, reused: true });
    expect(entries.map(({ cause, completion }) => [cause, completion])).toEqual([
      ['plan-1', { ...paidFor, reused: true }],
    ]);
    expect(endpoint.stats().requests).toBe(0);
    const warmer = await model.complete({ ...request, temperature: 0.8 });
    expect(warmer.reused).toBeUndefined();
    expect(endpoint.stats().requests).toBe(1);
  });

  it('are not looked for where the journal has the answer', async () => {
    const { journal } = memoryJournal();
    const asked: string[] = [];
    const paid: PaidAnswers = {
      find: async (hash) => {
        asked.push(hash);
        return undefined;
      },
    };
    const { model } = await setUp(journal, undefined, { paid });
    await model.complete(request);
    await model.complete(request);
    await model.complete({ ...request, cause: 'plan-2' });
    expect(asked).toEqual([requestHash('openai/fake', request)]);
  });
});

it('keeps completions and chats apart', async () => {
  const { journal } = memoryJournal();
  const { endpoint, model } = await setUp(journal);
  await model.complete(request);
  const chat = {
    messages: [{ role: 'user', content: 'Subject:' } as const],
    temperature: 0.7,
    maxTokens: 100,
    cause: 'c',
  };
  expect(await model.chat(chat)).toEqual(await model.chat(chat));
  expect(endpoint.stats().requests).toBe(2);
});

it('gives an answer out only once the journal holds it', async () => {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  const { journal, entries } = memoryJournal(promise);
  const { endpoint, model } = await setUp(journal);
  let given = false;
  const answer = model.complete(request).then(() => {
    given = true;
  });
  await expect.poll(() => endpoint.stats().answered).toBe(1);
  expect(given).toBe(false);
  resolve();
  await answer;
  expect(entries).toHaveLength(1);
});

it('asks once for equal requests that are open at once', async () => {
  const { journal, entries } = memoryJournal();
  const { endpoint, model } = await setUp(journal);
  const causes = ['plan-1', 'plan-2', 'plan-3'];
  const answers = await Promise.all(causes.map((cause) => model.complete({ ...request, cause })));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.map(({ reused }) => reused ?? false)).toEqual([false, true, true]);
  expect(endpoint.stats().requests).toBe(1);
  expect(entries.map(({ cause }) => cause).sort()).toEqual(causes);
});

it('asks the next of equal requests where the first fails or is given up', async () => {
  const { journal } = memoryJournal();
  const faulty = await startFakeEndpoint({ faults: [{ kind: 'status', status: 500 }] });
  const { model } = await setUp(journal, faulty);
  const [failed, next] = await Promise.allSettled([
    model.complete(request),
    model.complete({ ...request, cause: 'plan-2' }),
  ]);
  expect(failed).toMatchObject({ status: 'rejected', reason: { code: 'endpoint-unreachable' } });
  expect(next).toMatchObject({ status: 'fulfilled' });

  const slow = await startFakeEndpoint({ latencyMs: 500 });
  const { model: given } = await setUp(memoryJournal().journal, slow);
  const stop = new AbortController();
  const first = given.complete({ ...request, signal: stop.signal });
  const second = given.complete({ ...request, cause: 'plan-2' });
  await expect.poll(() => slow.stats().inFlight).toBe(1);
  stop.abort('gone');
  await expect(first).rejects.toBe('gone');
  expect((await second).reused).toBeUndefined();
});

it('lets a request that waits for another be given up alone', async () => {
  const slow = await startFakeEndpoint({ latencyMs: 500 });
  const { model } = await setUp(memoryJournal().journal, slow);
  const stop = new AbortController();
  const first = model.complete(request);
  const second = model.complete({ ...request, cause: 'plan-2', signal: stop.signal });
  stop.abort('gone');
  await expect(second).rejects.toBe('gone');
  expect((await first).reused).toBeUndefined();
});

it('journals no failure, and gives no answer that could not be journaled', async () => {
  const { journal, entries } = memoryJournal();
  const endpoint = await startFakeEndpoint({ faults: [{ kind: 'status', status: 500 }] });
  const { model } = await setUp(journal, endpoint);
  await expect(model.complete(request)).rejects.toMatchObject({ code: 'endpoint-unreachable' });
  expect(entries).toHaveLength(0);
  await expect(model.complete(request)).resolves.toMatchObject({ finishReason: 'stop' });

  const full = Promise.reject(new Error('disk full'));
  full.catch(() => undefined);
  const { model: failing } = await setUp(memoryJournal(full).journal);
  await expect(failing.complete(request)).rejects.toThrow('disk full');
});

it('needs a cause, and heeds the signal even for a known answer', async () => {
  const { journal } = memoryJournal();
  const { model } = await setUp(journal);
  await model.complete(request);
  const { cause: _, ...without } = request;
  await expect(model.complete(without)).rejects.toThrow(
    new TypeError('a journaled request needs `cause`, the id of the record it is for'),
  );
  await expect(model.complete({ ...request, signal: AbortSignal.abort('gone') })).rejects.toBe('gone');
});

it('looks like its model', async () => {
  const { model } = await setUp(memoryJournal().journal);
  expect(model).toMatchObject({ id: 'openai/fake', maxInFlight: 64, structured: false });
});
