import { afterEach, expect, it } from 'vitest';

import { journaled } from '../../engines/journaled.js';
import { openai } from '../../engines/openai/openai.js';
import type { Journal } from '../../operators/journal.js';
import type { Completion, CompletionRequest } from '../../operators/language-model.js';
import { type FakeEndpoint, startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const request: CompletionRequest = { prompt: 'Subject:', temperature: 0.7, maxTokens: 100, cause: 'plan-1' };

/** A journal in memory, whose writes end when `written` does. */
function memoryJournal(written: Promise<void> = Promise.resolve()) {
  const entries = new Map<string, { readonly cause: string; readonly completion: Completion }>();
  const journal: Journal = {
    get: (hash) => entries.get(hash)?.completion,
    put: async (hash, cause, completion) => {
      await written;
      entries.set(hash, { cause, completion });
    },
  };
  return { journal, entries };
}

async function setUp(journal: Journal, server?: FakeEndpoint) {
  const endpoint = server ?? (await startFakeEndpoint());
  const model = journaled(openai({ url: endpoint.url, model: 'fake', retries: 0 }), journal);
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
  expect(await model.complete({ ...request, cause: 'plan-2' })).toEqual(first);
  const { model: restarted } = await setUp(journal, endpoint);
  expect(await restarted.complete(request)).toEqual(first);
  expect(endpoint.stats().requests).toBe(1);
  expect([...entries.values()]).toEqual([{ cause: 'plan-1', completion: first }]);
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
  expect(entries.size).toBe(1);
});

it('answers equal requests of several records, open at once', async () => {
  const { journal } = memoryJournal();
  const { model } = await setUp(journal);
  const [one, two] = await Promise.all([model.complete(request), model.complete({ ...request, cause: 'plan-2' })]);
  expect(one.text).toBe(two.text);
});

it('journals no failure, and gives no answer that could not be journaled', async () => {
  const { journal, entries } = memoryJournal();
  const endpoint = await startFakeEndpoint({ faults: [{ kind: 'status', status: 500 }] });
  const { model } = await setUp(journal, endpoint);
  await expect(model.complete(request)).rejects.toMatchObject({ code: 'endpoint-unreachable' });
  expect(entries.size).toBe(0);
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
