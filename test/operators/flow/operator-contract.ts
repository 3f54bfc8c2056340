import fc from 'fast-check';
import {
  EMPTY,
  from,
  lastValueFrom,
  NEVER,
  type Observable,
  type OperatorFunction,
  Subject,
  throwError,
  toArray,
} from 'rxjs';
import { expect, test } from 'vitest';

import type { Outcome } from '../../../operators/flow/outcome.js';

export interface Contract<In, Out> {
  readonly make: (memory: ReadonlyMap<string, unknown>) => OperatorFunction<In, Outcome<In, Out>>;
  /** Records each of which the operator ends without the need of further ones; no object twice. */
  readonly inputs: fc.Arbitrary<readonly In[]>;
  /** @default 100 */
  readonly runs?: number;
}

/** What every operator must do with its source, its inputs and its memory, whatever it is for. */
export function operatorContract<In, Out>({ make, inputs, runs = 100 }: Contract<In, Out>): void {
  test('completes after an empty source, without outcomes', async () => {
    expect(await outcomesOf(make(new Map()), EMPTY)).toEqual([]);
  });

  test('says nothing while its source says nothing', () => {
    const seen: string[] = [];
    NEVER.pipe(make(new Map()))
      .subscribe({ next: () => seen.push('next'), complete: () => seen.push('complete') })
      .unsubscribe();
    expect(seen).toEqual([]);
  });

  test('passes the error of its source on', async () => {
    const broken = throwError(() => new Error('the source broke'));
    await expect(outcomesOf(make(new Map()), broken)).rejects.toThrow('the source broke');
  });

  test('leaves its source when it is left, at any point', () => {
    fc.assert(
      fc.property(inputs, (records) => {
        const source = new Subject<In>();
        const subscription = source.pipe(make(new Map())).subscribe();
        for (const record of records) source.next(record);
        subscription.unsubscribe();
        expect(source.observed).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  test('ends every input exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(inputs, async (records) => {
        const ended = (await outcomesOf(make(new Map()), from(records))).map(({ input }) => input);
        expect(ended.length).toBe(records.length);
        expect(new Set(ended)).toEqual(new Set(records));
      }),
      { numRuns: runs },
    );
  });

  test('gives the same outcomes again, and after a restart at any commit', async () => {
    await fc.assert(
      fc.asyncProperty(inputs, fc.nat(), async (records, cut) => {
        const whole = await outcomesOf(make(new Map()), from(records));
        const committed = whole.slice(0, cut % (whole.length + 1));
        const ended = new Set(committed.map(({ input }) => input));
        const left = records.filter((record) => !ended.has(record));
        const rest = await outcomesOf(make(memoryAfter(committed)), from(left));
        expect([...committed, ...rest]).toEqual(whole);
      }),
      { numRuns: runs },
    );
  });
}

/** What the memory holds after these outcomes, as read back from a topic. */
export function memoryAfter(outcomes: readonly Outcome<unknown, unknown>[]): Map<string, unknown> {
  const memory = new Map<string, unknown>();
  for (const [key, value] of outcomes.flatMap(({ changes }) => changes ?? [])) {
    if (value === null) memory.delete(key);
    else memory.set(key, JSON.parse(JSON.stringify(value)));
  }
  return memory;
}

export function outcomesOf<In, Out>(
  operator: OperatorFunction<In, Outcome<In, Out>>,
  source: Observable<In>,
): Promise<Outcome<In, Out>[]> {
  return lastValueFrom(source.pipe(operator, toArray()));
}
