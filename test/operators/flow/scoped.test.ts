import { from, map } from 'rxjs';
import { expect, test } from 'vitest';

import { chain } from '../../../operators/flow/chain.js';
import type { Outcome } from '../../../operators/flow/outcome.js';
import { scoped } from '../../../operators/flow/scoped.js';
import { memoryAfter, outcomesOf } from './operator-contract.js';

interface Item {
  readonly n: number;
}

/** Adds up what passes. */
function adds(memory: ReadonlyMap<string, unknown>) {
  let sum = Number(memory.get('sum') ?? 0);
  return map((input: Item): Outcome<Item, Item> => {
    sum += input.n;
    return { kind: 'emitted', input, outputs: [{ n: sum }], changes: [['sum', sum]] };
  });
}

function twice(memory: ReadonlyMap<string, unknown>) {
  return chain(scoped('first', memory, adds), scoped('second', memory, adds));
}

test('operators that share a memory keep their keys apart, also after a restart', async () => {
  const before = await outcomesOf(twice(new Map()), from([{ n: 1 }, { n: 2 }]));
  const memory = memoryAfter(before);
  expect(Object.fromEntries(memory)).toEqual({ 'first/sum': 3, 'second/sum': 4 });
  const [after] = await outcomesOf(twice(memory), from([{ n: 10 }]));
  expect(after).toMatchObject({ outputs: [{ n: 17 }] });
});

test('an outcome without changes stays as it is', async () => {
  const outcome: Outcome<Item, Item> = { kind: 'absorbed', input: { n: 1 } };
  const [scopedOutcome] = await outcomesOf(
    scoped('quiet', new Map(), () => map(() => outcome)),
    from([outcome.input]),
  );
  expect(scopedOutcome).toBe(outcome);
});

test('a name that could run into another is refused', () => {
  expect(() => scoped('a/b', new Map(), adds)).toThrow("name: expected lower-case letters, digits and -, got 'a/b'");
});
