import fc from 'fast-check';
import { from, type OperatorFunction, Subject } from 'rxjs';
import { expect, test } from 'vitest';
import type { Outcome } from '../../../operators/flow/outcome.js';
import type { LanguageModel } from '../../../operators/language-model.js';
import type { Draft } from '../../../schemas/draft.js';
import type { Plan } from '../../../schemas/plan.js';
import { memoryAfter, outcomesOf } from '../flow/operator-contract.js';
import { type FunctionModel, functionModel } from '../function-model.js';
import { groupedPlans, groupPlans } from './group-plans.js';
import { MemoryJournal } from './journal.js';
import { mailPlan } from './mail.js';

type Make = (
  model: LanguageModel,
  memory: ReadonlyMap<string, unknown>,
) => OperatorFunction<Plan, Outcome<Plan, Draft>>;

type Answer = Parameters<typeof functionModel>[0];

/** What every way that writes groups must keep to, whatever the model answers: `answer` may fail for some requests. */
export function groupedContract(make: Make, answer: Answer): void {
  test('cut after any outcome, it goes on with the same drafts and asks nothing twice', async () => {
    await fc.assert(
      fc.asyncProperty(groupedPlans, fc.nat(), async (plans, at) => {
        const whole = functionModel(answer);
        const expected = await outcomesOf(make(whole, new Map()), from(plans));

        const model = functionModel(answer);
        const journal = new MemoryJournal();
        const cut = plans.length === 0 ? 0 : at % (plans.length + 1);
        const before = await upTo(cut, plans, make(journal.of(model), new Map()));
        const ended = new Set(before.map(({ input }) => input.id));
        const left = plans.filter(({ id }) => !ended.has(id));
        const after = await outcomesOf(make(journal.without(ended).of(model), memoryAfter(before)), from(left));
        expect([...before, ...after]).toEqual(expected);
        expect(asked(model)).toEqual(asked(whole));
      }),
      { numRuns: 60 },
    );
  });

  test('leaves nothing in its memory when a group has ended but the place that comes next', async () => {
    const outcomes = await outcomesOf(make(functionModel(answer), new Map()), from(groupPlans(3, 1, 4)));
    expect([...memoryAfter(outcomes)]).toEqual([['next', { number: 3, place: 0 }]]);
  });

  test('ends plans in their order, though a later group is answered first', async () => {
    let release: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      release = resolve;
    });
    const plans = groupPlans(2, 2);
    const model = functionModel(async (request, call) => {
      if (call === 0) await first;
      else if (request.cause === plans[2]?.id) setImmediate(release);
      return answer(request, call);
    });
    const outcomes = await outcomesOf(make(model, new Map()), from(plans));
    expect(outcomes.map(({ input }) => input.ordinal)).toEqual([0, 1, 2, 3]);
    expect(model.mostInFlight).toBe(2);
  });

  test('a plan that comes out of order is written on its own, and changes no memory', async () => {
    const [first, second, third] = groupPlans(3);
    if (!first || !second || !third) throw new Error('three plans');
    const late = { ...second, id: mailPlan(90).id };
    const alone = mailPlan(91);
    const memory = new Map([['next', { number: 1, place: 0 }]]);
    const outcomes = await outcomesOf(make(functionModel(answer), memory), from([late, alone, { ...first }]));
    expect(outcomes.map(({ changes }) => changes)).toEqual([undefined, undefined, undefined]);
  });

  test('what a group that never ended left behind does not matter to the next', async () => {
    const plans = groupPlans(3, 3);
    const model = functionModel(answer);
    const outcomes = await outcomesOf(make(model, new Map()), from(plans));
    const memory = memoryAfter(outcomes.slice(0, 2));
    const rest = await outcomesOf(make(functionModel(answer), memory), from(plans.slice(3)));
    expect(rest).toEqual(outcomes.slice(3));
  });

  test('waits for all of a group, and gives what is not all there no outcome', async () => {
    const model = functionModel(answer);
    expect(await outcomesOf(make(model, new Map()), from(groupPlans(3).slice(0, 2)))).toEqual([]);
    expect(model.requests).toEqual([]);
  });

  test('unsubscribing aborts every call in flight', async () => {
    const model = functionModel(() => new Promise<string>(() => undefined), 2);
    const source = new Subject<Plan>();
    const subscription = source.pipe(make(model, new Map())).subscribe();
    for (const plan of groupPlans(2, 2, 2)) source.next(plan);
    expect(model.inFlight).toBe(2);
    subscription.unsubscribe();
    await new Promise(setImmediate);
    expect(model).toMatchObject({ inFlight: 0, aborted: 2 });
  });

  test('a memory that is not its own is refused by name', () => {
    for (const next of ['x', { number: -1, place: 0 }, { number: 0 }]) {
      expect(() => make(functionModel(answer), new Map([['next', next]]))).toThrow(/the memory of an operator holds/u);
    }
  });
}

/** The first outcomes, and no later ones, whatever is in flight then. */
async function upTo(
  count: number,
  plans: readonly Plan[],
  operator: OperatorFunction<Plan, Outcome<Plan, Draft>>,
): Promise<readonly Outcome<Plan, Draft>[]> {
  const outcomes: Outcome<Plan, Draft>[] = [];
  if (count === 0) return outcomes;
  await new Promise<void>((resolve, reject) => {
    const subscription = from(plans)
      .pipe(operator)
      .subscribe({
        next: (outcome) => {
          if (outcomes.length === count) return;
          outcomes.push(outcome);
          if (outcomes.length === count) {
            setImmediate(() => {
              subscription.unsubscribe();
              resolve();
            });
          }
        },
        error: reject,
        complete: resolve,
      });
  });
  return outcomes;
}

/** What was asked and answered, in any order. */
function asked(model: FunctionModel): readonly string[] {
  return model.requests.map(({ signal: _, ...request }) => JSON.stringify(request)).sort();
}
