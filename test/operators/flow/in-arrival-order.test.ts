import fc from 'fast-check';
import { concatMap, delay, from, map, mergeMap, of, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { inArrivalOrder } from '../../../operators/flow/in-arrival-order.js';
import type { Outcome } from '../../../operators/flow/outcome.js';
import { operatorContract, outcomesOf } from './operator-contract.js';

interface Drop {
  readonly turns: number;
}

/** Ends each input after as many turns as it says, so in another order. */
const late = mergeMap((input: Drop) =>
  from(
    (async (): Promise<Outcome<Drop, Drop>> => {
      for (let turn = 0; turn < input.turns; turn++) await Promise.resolve();
      return { kind: 'emitted', input, outputs: [input] };
    })(),
  ),
);
const drops = fc.array(fc.record({ turns: fc.nat(9) }), { maxLength: 12 });

describe('inArrivalOrder', () => {
  operatorContract({ make: () => inArrivalOrder(late), inputs: drops });

  test('outcomes come in the order of the inputs', async () => {
    await fc.assert(
      fc.asyncProperty(drops, async (inputs) => {
        const outcomes = await outcomesOf(inArrivalOrder(late), from(inputs));
        expect(outcomes.map(({ input }) => input)).toEqual(inputs);
        for (const [index, { input }] of outcomes.entries()) expect(input).toBe(inputs[index]);
      }),
    );
  });

  test('what waits for an input that never ends gets no outcome', () => {
    const source = new Subject<Drop>();
    const never = new Subject<Outcome<Drop, Drop>>();
    const seen: number[] = [];
    const operator = inArrivalOrder<Drop, Drop>(
      concatMap((input) =>
        of({ kind: 'absorbed' as const, input }).pipe(mergeMap((o) => (input.turns ? of(o) : never))),
      ),
    );
    source.pipe(operator).subscribe(({ input }) => {
      seen.push(input.turns);
    });
    for (const turns of [1, 0, 2]) source.next({ turns });
    expect(seen).toEqual([1]);
  });

  test.each([
    ['twice', concatMap((input: Drop) => [1, 2].map(() => ({ kind: 'absorbed' as const, input })))],
    ['for another', map((input: Drop) => ({ kind: 'absorbed' as const, input: { ...input } }))],
  ])('an outcome %s errors the stream', async (_, operator) => {
    await expect(outcomesOf(inArrivalOrder(operator), from([{ turns: 0 }]))).rejects.toMatchObject({
      code: 'operator-failed',
    });
  });

  test('the example of its documentation', async () => {
    const written = (input: Drop) => of<Outcome<Drop, Drop>>({ kind: 'absorbed', input }).pipe(delay(3 - input.turns));
    const ordered = inArrivalOrder(mergeMap((plan: Drop) => written(plan), 8));
    const outcomes = await outcomesOf(ordered, from([{ turns: 0 }, { turns: 3 }]));
    expect(outcomes.map(({ input }) => input.turns)).toEqual([0, 3]);
  });
});
