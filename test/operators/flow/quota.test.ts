import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { quota } from '../../../operators/flow/quota.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import { tickSchema } from '../../../schemas/tick.js';
import { operatorContract, outcomesOf } from './operator-contract.js';
import { callRecord, realRecord, refinedRecord, seedRecord, tickRecord } from './records.js';

const make = (memory: ReadonlyMap<string, unknown> = new Map()) => quota({ memory, lane: 0 });

const inputs: fc.Arbitrary<readonly AnyRecord[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.nat(50).map((ordinal) => refinedRecord(ordinal)) },
    fc.option(fc.nat(8)).map((total) => tickRecord('target', total)),
    fc.constant(null).map(() => realRecord(0)),
  ),
  { maxLength: 30 },
);

describe('quota', () => {
  operatorContract({ make, inputs });

  test('lets exactly the target through, and says when it is reached', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.nat(30), async (total, count) => {
        const texts = Array.from({ length: count }, (_, ordinal) => refinedRecord(ordinal));
        const outcomes = (await outcomesOf(make(), from([tickRecord('target', total), ...texts]))).slice(1);
        const reached = Math.min(total, count);
        expect(outcomes.filter(({ kind }) => kind === 'emitted').length).toBe(reached);
        expect(
          outcomes.slice(reached).every((outcome) => outcome.kind === 'dropped' && outcome.reason === 'surplus'),
        ).toBe(true);
        const ticks = outcomes.flatMap((outcome) =>
          outcome.kind === 'emitted' ? outcome.outputs.filter(({ kind }) => kind === 'tick') : [],
        );
        expect(ticks.length).toBe(count >= total ? 1 : 0);
      }),
    );
  });

  test('the last text comes with a tick that has the time of the text', async () => {
    const last = refinedRecord(0, {}, [callRecord(0), callRecord(1, { startedAt: 2000, milliseconds: 30.6 })]);
    const [, outcome] = await outcomesOf(make(), from([tickRecord('target', 1), last]));
    const complete = outcome?.kind === 'emitted' ? outcome.outputs[1] : undefined;
    expect(tickSchema.parse(complete)).toMatchObject({ reason: 'complete', total: 1, lane: 0, at: 2031 });
  });

  test('a target that is met already completes at once', async () => {
    const outcomes = await outcomesOf(make(), from([refinedRecord(0), refinedRecord(1), tickRecord('target', 2)]));
    expect(outcomes[2]).toMatchObject({ kind: 'emitted', outputs: [{ reason: 'complete', total: 2, at: 500 }] });
  });

  test('a higher target opens it again, and an endless one for ever', async () => {
    const texts = Array.from({ length: 6 }, (_, ordinal) => refinedRecord(ordinal));
    const [a, b, c, d, e, f] = texts;
    if (!(a && b && c && d && e && f)) throw new Error('six texts were made');
    const records = [tickRecord('target', 1), a, b, tickRecord('target', 2), c, d, tickRecord('target', null), e, f];
    const kinds = (await outcomesOf(make(), from(records))).map(({ kind }) => kind);
    expect(kinds).toEqual([
      'absorbed',
      'emitted',
      'dropped',
      'absorbed',
      'emitted',
      'dropped',
      'absorbed',
      'emitted',
      'emitted',
    ]);
  });

  test('forwards everything else, and ignores the target of another lane', async () => {
    const others = [seedRecord(0), realRecord(0), tickRecord('interval')];
    const outcomes = await outcomesOf(make(), from([tickRecord('target', 0, 1), ...others, refinedRecord(0)]));
    expect(outcomes[0]).toMatchObject({ kind: 'absorbed' });
    expect(
      outcomes.slice(1).map((outcome) => outcome.kind === 'emitted' && outcome.outputs[0] === outcome.input),
    ).toEqual([true, true, true, true]);
  });

  describe('with labels', () => {
    const target = (total: number, labels: Readonly<Record<string, number>>) => ({
      ...tickRecord('target', total),
      labels,
    });
    const labelled = (...labels: readonly string[]) => labels.map((label, n) => refinedRecord(n, { label }));
    const kindsOf = async (memory: ReadonlyMap<string, unknown>, ...records: readonly AnyRecord[]) =>
      (await outcomesOf(make(memory), from(records))).map((outcome) =>
        outcome.kind === 'dropped' ? outcome.detail : outcome.kind,
      );

    test('drops what is beyond the share of its label', async () => {
      const records = [target(3, { ham: 2, spam: 1 }), ...labelled('spam', 'spam', 'ham', 'ham', 'ham')];
      expect(await kindsOf(new Map(), ...records)).toEqual([
        'absorbed',
        'emitted',
        "the lane has its 1 samples of 'spam'",
        'emitted',
        'emitted',
        'the lane has its 3 samples',
      ]);
    });

    test('counts exactly, whatever comes and wherever it is started again', async () => {
      const lists = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(lists, fc.nat(8), fc.nat(8), fc.nat(40), async (labels, a, b, cut) => {
          const records = [target(a + b, { a, b, c: 0 }), ...labelled(...labels)];
          const whole = await outcomesOf(make(), from(records));
          const memory = new Map<string, unknown>();
          const first = await outcomesOf(make(memory), from(records.slice(0, cut)));
          for (const { changes = [] } of first) for (const [key, value] of changes) memory.set(key, value);
          const second = await outcomesOf(make(memory), from(records.slice(cut)));
          expect([...first, ...second]).toEqual(whole);
          for (const [label, share] of Object.entries({ a, b, c: 0 })) {
            const passed = whole.filter(({ kind, input }) => {
              return kind === 'emitted' && input.kind === 'refined' && input.plan.label === label;
            });
            expect(passed.length).toBe(Math.min(share, labels.filter((other) => other === label).length));
          }
        }),
      );
    });

    test('a higher target adds to the shares; one without labels lifts them', async () => {
      const [a, b, c, d] = labelled('x', 'x', 'x', 'x');
      if (!(a && b && c && d)) throw new Error('four texts were made');
      const records = [target(2, { x: 1, y: 1 }), a, b, target(3, { x: 2, y: 1 }), c, tickRecord('target', null), d];
      expect((await kindsOf(new Map(), ...records)).filter((kind) => kind === 'emitted')).toHaveLength(3);
    });
  });
});
