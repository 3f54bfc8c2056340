import fc from 'fast-check';
import {
  concatMap,
  from,
  lastValueFrom,
  map,
  mergeMap,
  Observable,
  type OperatorFunction,
  Subject,
  toArray,
} from 'rxjs';
import { describe, expect, test } from 'vitest';

import { chain } from '../../../operators/flow/chain.js';
import type { Outcome } from '../../../operators/flow/outcome.js';
import { operatorContract, outcomesOf } from './operator-contract.js';

interface Item {
  readonly n: number;
}
type Step = OperatorFunction<Item, Outcome<Item, Item>>;

const forwards: Step = map((input) => ({ kind: 'emitted', input, outputs: [input] }));
const doubles: Step = map((input) => ({
  kind: 'emitted',
  input,
  outputs: [{ n: 2 * input.n }, { n: 2 * input.n + 1 }],
  changes: [['doubled', input.n]],
}));
const dropsOdd: Step = map((input) =>
  input.n % 2 === 1
    ? { kind: 'dropped', input, reason: 'odd', detail: `${input.n}`, changes: [['odd', input.n]] }
    : { kind: 'emitted', input, outputs: [input], changes: [['even', input.n]] },
);
/** Takes as many turns of the event loop as the number says, all inputs at once. */
const dawdles: Step = mergeMap(async (input): Promise<Outcome<Item, Item>> => {
  for (let turn = 0; turn < input.n % 5; turn++) await Promise.resolve();
  return { kind: 'emitted', input, outputs: [input] };
});
/** Counts what passes, in its memory. */
function counts(memory: ReadonlyMap<string, unknown>): Step {
  return (source) =>
    new Observable((subscriber) => {
      let seen = Number(memory.get('seen') ?? 0);
      return source
        .pipe(
          map((input): Outcome<Item, Item> => {
            seen++;
            return { kind: 'emitted', input, outputs: [{ n: input.n + seen }], changes: [['seen', seen]] };
          }),
        )
        .subscribe(subscriber);
    });
}

const items = fc.array(fc.nat(20).map((n) => ({ n })));

describe('chain', () => {
  operatorContract({ make: (memory) => chain(forwards, dropsOdd, counts(memory), dawdles, forwards), inputs: items });

  test('joins outputs and changes in order', async () => {
    const [outcome] = await outcomesOf(chain(doubles, forwards, doubles), from([{ n: 3 }]));
    expect(outcome).toEqual({
      kind: 'emitted',
      input: { n: 3 },
      outputs: [{ n: 12 }, { n: 13 }, { n: 14 }, { n: 15 }],
      changes: [
        ['doubled', 3],
        ['doubled', 6],
        ['doubled', 7],
      ],
    });
  });

  test('ends an input as its only output ended, with the evidence', async () => {
    const input = { n: 7 };
    const [outcome] = await outcomesOf(chain(forwards, dropsOdd, forwards), from([input]));
    expect(outcome).toEqual({ kind: 'dropped', input, reason: 'odd', detail: '7', changes: [['odd', 7]] });
    expect(outcome?.input).toBe(input);
  });

  test('is emitted where one of several outputs was', async () => {
    const [outcome] = await outcomesOf(chain(doubles, dropsOdd), from([{ n: 3 }]));
    expect(outcome).toMatchObject({ kind: 'emitted', outputs: [{ n: 6 }] });
    expect(outcome?.changes).toEqual([
      ['doubled', 3],
      ['even', 6],
      ['odd', 7],
    ]);
  });

  test('ends as the gravest of several outputs where none was emitted', async () => {
    const ends: Step = map((input) =>
      input.n % 2 === 1
        ? { kind: 'dead', input, code: 'record-invalid', message: 'odd' }
        : { kind: 'dropped', input, reason: 'even' },
    );
    const [outcome] = await outcomesOf(chain(doubles, ends), from([{ n: 3 }]));
    expect(outcome).toMatchObject({ kind: 'dead', input: { n: 3 }, code: 'record-invalid' });
  });

  test('emits nothing for an input that emitted nothing', async () => {
    const silent: Step = map((input) => ({ kind: 'emitted', input, outputs: [] }));
    expect(await outcomesOf(chain(silent, doubles), from([{ n: 1 }]))).toEqual([
      { kind: 'emitted', input: { n: 1 }, outputs: [] },
    ]);
  });

  test('is the same however its operators are grouped', async () => {
    await fc.assert(
      fc.asyncProperty(items, async (records) => {
        const flat = await outcomesOf(chain(doubles, dropsOdd, dawdles), from(records));
        expect(await outcomesOf(chain(chain(doubles, dropsOdd), dawdles), from(records))).toEqual(flat);
        expect(await outcomesOf(chain(doubles, chain(dropsOdd, dawdles)), from(records))).toEqual(flat);
      }),
    );
  });

  test('emits what the operators emit one after another', async () => {
    const emits = (step: Step) => concatMap((input: Item) => from([input]).pipe(step, concatMap(outputsOf)));
    await fc.assert(
      fc.asyncProperty(items, async (records) => {
        const chained = chain(doubles, dropsOdd, dawdles, doubles);
        const outputs = await lastValueFrom(from(records).pipe(chained, concatMap(outputsOf), toArray()));
        const steps = from(records).pipe(emits(doubles), emits(dropsOdd), emits(dawdles), emits(doubles), toArray());
        expect(outputs).toEqual(await lastValueFrom(steps));
      }),
    );
  });

  test('ends inputs in the order in which the first operator did, though later ones differ', async () => {
    await fc.assert(
      fc.asyncProperty(items, async (records) => {
        const ended = await outcomesOf(chain(forwards, dawdles), from(records));
        expect(ended.map(({ input }) => input)).toEqual(records);
      }),
    );
  });

  test('keeps order where an outcome brings in the next input at once', () => {
    const source = new Subject<Item>();
    const ended: number[] = [];
    source.pipe(chain(doubles, forwards)).subscribe(({ input }) => {
      ended.push(input.n);
      if (input.n < 1000) source.next({ n: input.n + 1 });
    });
    source.next({ n: 0 });
    expect(ended).toEqual(Array.from({ length: 1001 }, (_, n) => n));
  });

  test('tells two passes of the same object apart', async () => {
    const item = { n: 2 };
    const ended = await outcomesOf(chain(forwards, counts(new Map())), from([item, item]));
    expect(ended.map((outcome) => outcome.kind === 'emitted' && outcome.outputs)).toEqual([[{ n: 3 }], [{ n: 4 }]]);
  });

  test('leaves every operator when it is left', () => {
    let left = 0;
    const counted: Step = (source) =>
      new Observable((subscriber) => {
        const subscription = source.pipe(forwards).subscribe(subscriber);
        return () => {
          left++;
          subscription.unsubscribe();
        };
      });
    new Subject<Item>()
      .pipe(chain(counted, counted, counted))
      .subscribe()
      .unsubscribe();
    expect(left).toBe(3);
  });

  test('errors where any operator errors', async () => {
    const breaks: Step = map(() => {
      throw new Error('broken');
    });
    const source = new Subject<Item>();
    const run = outcomesOf(chain(forwards, breaks, forwards), source);
    source.next({ n: 1 });
    await expect(run).rejects.toThrow('broken');
    expect(source.observed).toBe(false);
  });

  test('errors where an operator ends what it was not given', async () => {
    const confused: Step = map((input) => ({ kind: 'absorbed', input: { ...input } }));
    await expect(outcomesOf(chain(forwards, confused), from([{ n: 1 }]))).rejects.toMatchObject({
      code: 'operator-failed',
    });
  });
});

function outputsOf(outcome: Outcome<Item, Item>): readonly Item[] {
  return outcome.kind === 'emitted' ? outcome.outputs : [];
}
