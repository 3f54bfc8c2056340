import fc from 'fast-check';
import { expect, it } from 'vitest';

import { budgeted } from '../../engines/budgeted.js';
import type { CompletionRequest } from '../../operators/language-model.js';
import { answering, completion } from './answering.js';
import { VirtualClock } from './virtual-clock.js';

const never = new AbortController().signal;
const request: CompletionRequest = { prompt: 'x'.repeat(40), temperature: 0, maxTokens: 80 };

it('sends no more requests in any minute than the budget has, in the order of asking', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 60 }), async (limit, count) => {
      const clock = new VirtualClock();
      const sent: { readonly prompt: string; readonly at: number }[] = [];
      const model = budgeted(
        answering(async (asked) => {
          sent.push({ prompt: 'prompt' in asked ? asked.prompt : '', at: clock.now() });
          await clock.sleep(700, never);
          return completion(10, 10);
        }),
        { requestsPerMinute: limit },
        clock,
      );
      const all = Array.from({ length: count }, (_, index) => model.complete({ ...request, prompt: `${index}` }));
      await clock.until(Promise.all(all));
      expect(sent.map(({ prompt }) => prompt)).toEqual(all.map((_, index) => `${index}`));
      for (const [index, { at }] of sent.entries()) {
        expect(sent.slice(index).filter((other) => other.at < at + 60_000).length).toBeLessThanOrEqual(limit);
      }
    }),
    { numRuns: 25 },
  );
});

it('counts the tokens that an answer had, not those it might have had', async () => {
  const clock = new VirtualClock();
  const start = clock.now();
  const model = budgeted(
    answering(async () => {
      await clock.sleep(100, never);
      return completion(10, 10);
    }),
    { tokensPerMinute: 1000 },
    clock,
  );
  // Each might have 106 tokens and has 20: fifty fit into a minute, nine at a time.
  await clock.until(Promise.all(Array.from({ length: 45 }, () => model.complete(request))));
  expect(clock.now() - start).toBeLessThan(2000);
  await clock.until(Promise.all(Array.from({ length: 10 }, () => model.complete(request))));
  expect(clock.now() - start).toBeGreaterThanOrEqual(60_000);
});

it('counts the retries of an answered request', async () => {
  const clock = new VirtualClock();
  const start = clock.now();
  const model = budgeted(
    answering(async () => ({ ...completion(1, 1), attempts: 5 })),
    { requestsPerMinute: 6 },
    clock,
  );
  await clock.until(model.complete(request));
  await clock.until(model.complete(request));
  await clock.until(model.complete(request));
  expect(clock.now() - start).toBeGreaterThanOrEqual(60_000);
});

it('lets a request that is larger than the budget go alone', async () => {
  const clock = new VirtualClock();
  const model = budgeted(
    answering(() => completion(5, 5)),
    { tokensPerMinute: 10 },
    clock,
  );
  await clock.until(Promise.all([model.complete(request), model.complete(request)]));
});

it('ends a request that waits with the reason of its signal, and lets the others by', async () => {
  const clock = new VirtualClock();
  const model = budgeted(
    answering(() => completion(1, 1)),
    { requestsPerMinute: 1 },
    clock,
  );
  await model.complete(request);
  const leaving = new AbortController();
  const left = model.complete({ ...request, signal: leaving.signal });
  const stays = model.complete(request);
  leaving.abort(new Error('no longer needed'));
  await expect(left).rejects.toThrow('no longer needed');
  await clock.until(stays);
  await expect(model.complete({ ...request, signal: leaving.signal })).rejects.toThrow('no longer needed');
});

it('rejects what waits, and what comes later, once it is closed', async () => {
  const clock = new VirtualClock();
  const model = budgeted(
    answering(() => completion(1, 1)),
    { requestsPerMinute: 1 },
    clock,
  );
  await model.complete(request);
  const waiting = [model.complete(request), model.chat({ ...request, messages: [], signal: never })];
  const closed = waiting.map((each) => expect(each).rejects.toMatchObject({ code: 'engine-closed' }));
  await model.close();
  await clock.until(Promise.all(closed));
  await expect(model.complete(request)).rejects.toMatchObject({ code: 'engine-closed' });
});

it('passes a failure on, and goes on', async () => {
  const clock = new VirtualClock();
  let failed = false;
  const model = budgeted(
    answering(() => {
      if (failed) return completion(1, 1);
      failed = true;
      throw new Error('broken');
    }),
    { requestsPerMinute: 2, tokensPerMinute: 10_000 },
    clock,
  );
  await expect(model.complete(request)).rejects.toThrow('broken');
  expect((await model.chat({ ...request, messages: [] })).text).toBe('an answer');
});

it.each([{ requestsPerMinute: 0 }, { tokensPerMinute: -1 }])('refuses %o', (budget) => {
  expect(() =>
    budgeted(
      answering(() => completion(1, 1)),
      budget,
    ),
  ).toThrow(TypeError);
});
