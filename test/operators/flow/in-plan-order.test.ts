import fc from 'fast-check';
import { from, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { inPlanOrder } from '../../../operators/flow/in-plan-order.js';
import type { Outcome } from '../../../operators/flow/outcome.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import { operatorContract, outcomesOf } from './operator-contract.js';
import { ledgerRecord, realRecord, refinedRecord, seedRecord, tickRecord } from './records.js';

/** A run of a lane: seeds, and for each ordinal a refined text that knew some of them, or word that none will come. */
const lanes: fc.Arbitrary<readonly AnyRecord[]> = fc
  .record({
    seeds: fc.nat(4),
    lines: fc.array(fc.record({ dropped: fc.boolean(), seedCount: fc.nat(4) }), { maxLength: 12 }),
  })
  .map(({ seeds, lines }) => [
    ...Array.from({ length: seeds }, (_, n) => seedRecord(n)),
    ...lines.map(({ dropped, seedCount }, ordinal) =>
      dropped ? ledgerRecord(ordinal) : refinedRecord(ordinal, { seedCount: Math.min(seedCount, seeds) }),
    ),
    realRecord(0),
    tickRecord('interval'),
  ]);

const arrivals = lanes.chain((records) => fc.shuffledSubarray([...records], { minLength: records.length }));

const make = (memory: ReadonlyMap<string, unknown> = new Map()) => inPlanOrder({ memory, lane: 0 });

describe('inPlanOrder', () => {
  operatorContract({ make, inputs: arrivals });

  test('any order of arrival gives the order of plans', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async (records) => {
        const outputs = outputsOf(await outcomesOf(make(), from(records)));
        const ordinals = outputs.flatMap((record) => (record.kind === 'refined' ? [record.plan.ordinal] : []));
        const expected = records.flatMap((record) => (record.kind === 'refined' ? [record.plan.ordinal] : []));
        expect(ordinals).toEqual(expected.toSorted((a, b) => a - b));
      }),
    );
  });

  test('no text leaves before the seeds that its plan knew', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async (records) => {
        let seeds = 0;
        for (const record of outputsOf(await outcomesOf(make(), from(records)))) {
          if (record.kind === 'seed') seeds++;
          if (record.kind === 'refined') expect(record.plan.seedCount).toBeLessThanOrEqual(seeds);
        }
      }),
    );
  });

  test('holds a text until the lines before it have ended', () => {
    const source = new Subject<AnyRecord>();
    const ended: string[] = [];
    source.pipe(make()).subscribe(({ kind, input }) => ended.push(`${kind} ${input.kind} ${ordinalOf(input)}`));
    source.next(refinedRecord(2));
    source.next(refinedRecord(1));
    expect(ended).toEqual([]);
    source.next(ledgerRecord(0));
    expect(ended).toEqual(['absorbed ledger-entry 0', 'emitted refined 1', 'emitted refined 2']);
  });

  test('absorbs at once what says nothing about order', async () => {
    const entries = [
      ledgerRecord(5, { outcome: 'accepted' }),
      ledgerRecord(6, { stage: 'align' }),
      ledgerRecord(7, { lane: 1 }),
    ];
    const outcomes = await outcomesOf(make(), from([...entries, refinedRecord(0), ledgerRecord(0)]));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['absorbed', 'absorbed', 'absorbed', 'emitted', 'absorbed']);
    expect(outcomes.flatMap(({ changes }) => changes ?? [])).toEqual([['next', 1]]);
  });

  test('lets a text that was put back pass at once', async () => {
    const late = refinedRecord(0);
    const outcomes = await outcomesOf(make(), from([ledgerRecord(0, { outcome: 'dead' }), refinedRecord(1), late]));
    expect(outcomes.at(-1)).toMatchObject({ kind: 'emitted', input: late, outputs: [late], changes: [['next', 2]] });
  });

  test('a text of another lane is dead', async () => {
    const [outcome] = await outcomesOf(make(), from([refinedRecord(0, { lane: 3 })]));
    expect(outcome).toMatchObject({ kind: 'dead', code: 'record-invalid' });
    expect(outcome?.kind === 'dead' && outcome.message).toContain('lane 3, and came on lane 0');
  });

  test('what is held at the end gets no outcome', async () => {
    expect(await outcomesOf(make(), from([refinedRecord(1), refinedRecord(0, { seedCount: 1 })]))).toEqual([]);
  });

  test('a damaged memory is refused', () => {
    expect(() => make(new Map([['next', 'five']]))).toThrow(/"five" under 'next'/);
  });
});

function outputsOf(outcomes: readonly Outcome<AnyRecord, AnyRecord>[]): readonly AnyRecord[] {
  return outcomes.flatMap((outcome) => (outcome.kind === 'emitted' ? outcome.outputs : []));
}

function ordinalOf(record: AnyRecord): number | undefined {
  if (record.kind === 'refined') return record.plan.ordinal;
  return record.kind === 'ledger-entry' ? record.ordinal : undefined;
}
