import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { type BudgetLimits, RunBudget, type Spent } from '../../engines/run-budget.js';
import type { CompletionRequest } from '../../operators/language-model.js';
import { answering, completion } from './answering.js';
import { VirtualClock } from './virtual-clock.js';

const never = new AbortController().signal;
const price = { input: 1, output: 2 };
const nothing: Spent = { tokens: 0, usd: 0 };
/** Forty characters: at most 26 tokens by the first estimate, and 80 of the answer. */
const request: CompletionRequest = { prompt: 'x'.repeat(40), temperature: 0, maxTokens: 80 };

/** A budget, and what was told when it was spent. */
function budgetOf(limits: BudgetLimits, before: Spent = nothing) {
  const told: { readonly left: Spent; readonly needed: Spent }[] = [];
  return { budget: new RunBudget(limits, before, (left, needed) => told.push({ left, needed })), told };
}

it('never spends more than its limit, and all of it but for what the next request might need', async () => {
  const answers = fc.array(fc.tuple(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 1, max: 500 })), {
    minLength: 300,
    maxLength: 300,
  });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 6000 }), answers, async (tokens, given) => {
      const clock = new VirtualClock();
      const { budget, told } = budgetOf({ tokens });
      let spent = 0;
      let next = 0;
      const model = budget.limited(
        answering(async () => {
          const [written, ms] = given[next++] ?? [1, 1];
          await clock.sleep(ms, never);
          spent += 20 + written;
          return completion(20, written);
        }),
        price,
      );
      const leaving = new AbortController();
      const all = Array.from({ length: 300 }, () =>
        model.complete({ ...request, signal: leaving.signal }).catch(() => undefined),
      );
      const ended = Promise.all(all);
      const isSpent = (async () => {
        while (told.length === 0) await clock.sleep(1, never);
        leaving.abort(new Error('spent'));
      })();
      await clock.until(Promise.race([isSpent, ended]));
      await clock.until(ended);
      expect(spent).toBeLessThanOrEqual(tokens);
      expect(budget.spent.tokens).toBe(spent);
      if (told.length > 0) expect(spent + 106).toBeGreaterThan(tokens);
      expect(told.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 20 },
  );
});

it('has fewer in flight towards its end', async () => {
  const clock = new VirtualClock();
  const { budget } = budgetOf({ usd: 2000e-6 });
  let inFlight = 0;
  const seen: number[] = [];
  const model = budget.limited(
    answering(async () => {
      seen.push(++inFlight);
      await clock.sleep(100, never);
      inFlight--;
      return completion(26, 10, 46e-6);
    }),
    price,
  );
  // At most 26 + 160 millionths each: ten fit at first, none after.
  const all = Array.from({ length: 60 }, () => model.complete(request));
  await clock.until(Promise.race([Promise.all(all), clock.sleep(100_000, never)]));
  expect(Math.max(...seen)).toBe(10);
  expect(seen.at(-1)).toBe(1);
  expect(budget.isSpent).toBe(true);
  expect(budget.spent.usd).toBeGreaterThan(1800e-6);
  expect(budget.spent.usd).toBeLessThanOrEqual(2000e-6);
});

it('counts what was spent before', async () => {
  const { budget, told } = budgetOf({ tokens: 1000 }, { tokens: 950, usd: 0 });
  const model = budget.limited(
    answering(() => completion(1, 1)),
    undefined,
  );
  const leaving = new AbortController();
  const waiting = model.complete({ ...request, signal: leaving.signal });
  await nextTurn();
  expect(told).toEqual([{ left: { tokens: 50, usd: Number.POSITIVE_INFINITY }, needed: { tokens: 106, usd: 0 } }]);
  leaving.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
});

it('takes what others have spent, and what it spent itself since they were asked', async () => {
  const { budget } = budgetOf({ tokens: 1000 });
  const model = budget.limited(
    answering(() => completion(30, 20)),
    undefined,
  );
  await model.complete(request);
  const { own } = budget;
  await model.complete(request);
  budget.known({ tokens: 400, usd: 0 }, own);
  expect(budget.spent.tokens).toBe(450);
});

it('frees what a failed request had reserved', async () => {
  const { budget, told } = budgetOf({ tokens: 110 });
  const model = budget.limited(
    answering(() => {
      throw new Error('broken');
    }),
    undefined,
  );
  await expect(model.complete(request)).rejects.toThrow('broken');
  await expect(model.complete(request)).rejects.toThrow('broken');
  expect(told).toEqual([]);
});

it('is learned from prompts that have more tokens than was estimated', async () => {
  const { budget } = budgetOf({ tokens: 600 });
  let asked = 0;
  const model = budget.limited(
    answering(() => {
      asked++;
      return completion(200, 0);
    }),
    undefined,
  );
  const leaving = new AbortController();
  const all = Array.from({ length: 9 }, async () => model.complete({ ...request, signal: leaving.signal }));
  await nextTurn();
  const one = model.complete({ ...request, signal: leaving.signal });
  await nextTurn();
  leaving.abort(new Error('stopped'));
  await Promise.allSettled([...all, one]);
  // The first five went by the estimate; none goes once it is known.
  expect(asked).toBe(5);
  expect(budget.isSpent).toBe(true);
});

it('needs a price for a limit in money', () => {
  const { budget } = budgetOf({ usd: 1 });
  expect(() =>
    budget.limited(
      answering(() => completion(1, 1)),
      undefined,
    ),
  ).toThrow(/price/);
});
