import fc from 'fast-check';
import { from, map, mergeMap, NEVER, Observable, type OperatorFunction, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';

import type { Outcome } from '../../../operators/flow/outcome.js';
import { surplusAfter } from '../../../operators/flow/surplus-after.js';
import { operatorContract, outcomesOf } from './operator-contract.js';

interface Item {
  readonly n: number;
}
type Step = OperatorFunction<Item, Outcome<Item, Item>>;

const forwards: Step = map((input) => ({ kind: 'emitted', input, outputs: [input] }));
const items = fc.array(fc.nat().map((n) => ({ n })));

describe('surplusAfter', () => {
  describe('before the signal', () => {
    operatorContract({ make: () => surplusAfter(new AbortController().signal)(forwards), inputs: items });
  });

  describe('after the signal', () => {
    operatorContract({ make: () => surplusAfter(AbortSignal.abort())(forwards), inputs: items });

    test('drops everything, and starts nothing', async () => {
      let entered = 0;
      const counts: Step = map((input) => {
        entered++;
        return { kind: 'absorbed', input };
      });
      const outcomes = await outcomesOf(surplusAfter(AbortSignal.abort())(counts), from([{ n: 1 }, { n: 2 }]));
      expect(outcomes).toMatchObject([
        { kind: 'dropped', input: { n: 1 }, reason: 'surplus' },
        { kind: 'dropped', input: { n: 2 }, reason: 'surplus' },
      ]);
      expect(entered).toBe(0);
    });
  });

  test('at the signal, what is in flight is aborted and dropped in order of arrival', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), fc.nat(5), (finishing, more) => {
        let open = 0;
        const hangs: Step = mergeMap((input) =>
          finishing[input.n] === true
            ? from([{ kind: 'absorbed', input } as const])
            : new Observable<Outcome<Item, Item>>(() => {
                open++;
                return () => {
                  open--;
                };
              }),
        );
        const stopping = new AbortController();
        const source = new Subject<Item>();
        const ended: [string, number][] = [];
        let completed = false;
        source.pipe(surplusAfter(stopping.signal)(hangs)).subscribe({
          next: ({ kind, input }) => ended.push([kind, input.n]),
          complete: () => {
            completed = true;
          },
        });
        for (const n of finishing.keys()) source.next({ n });
        const hanging = [...finishing.keys()].filter((n) => finishing[n] !== true);
        expect(open).toBe(hanging.length);
        stopping.abort();
        expect(open).toBe(0);
        for (let n = 0; n < more; n++) source.next({ n: 100 + n });
        source.complete();
        const dropped = [...hanging, ...Array.from({ length: more }, (_, n) => 100 + n)];
        expect(ended.filter(([kind]) => kind === 'dropped').map(([, n]) => n)).toEqual(dropped);
        expect(ended.length).toBe(finishing.length + more);
        expect(completed).toBe(true);
      }),
    );
  });

  test('a source that completed before the signal completes with it', () => {
    const stopping = new AbortController();
    const seen: string[] = [];
    const source = new Subject<Item>();
    source.pipe(surplusAfter(stopping.signal)(mergeMap(() => NEVER))).subscribe({
      next: ({ kind }) => seen.push(kind),
      complete: () => seen.push('complete'),
    });
    source.next({ n: 1 });
    source.complete();
    expect(seen).toEqual([]);
    stopping.abort();
    expect(seen).toEqual(['dropped', 'complete']);
  });

  test('a signal after everything has ended changes nothing', async () => {
    const stopping = new AbortController();
    const outcomes = await outcomesOf(surplusAfter(stopping.signal)(forwards), from([{ n: 1 }]));
    stopping.abort();
    expect(outcomes).toMatchObject([{ kind: 'emitted' }]);
  });
});
