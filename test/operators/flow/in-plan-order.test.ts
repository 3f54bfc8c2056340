import fc from 'fast-check';
import { from, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { inPlanOrder } from '../../../operators/flow/in-plan-order.js';
import type { Outcome } from '../../../operators/flow/outcome.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import type { Real } from '../../../schemas/real.js';
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

  test('a `loaded` tick is for the planner alone', async () => {
    const loaded = { ...tickRecord('interval'), reason: 'loaded' } as const;
    expect(await outcomesOf(make(), from([loaded]))).toEqual([{ kind: 'absorbed', input: loaded }]);
  });

  test('a damaged memory is refused', () => {
    expect(() => make(new Map([['next', 'five']]))).toThrow(/"five" under 'next'/);
  });
});

describe('inPlanOrder with places of real records', () => {
  const placeOf = ({ origin }: Real) => origin.line;
  const ordered = (memory: ReadonlyMap<string, unknown> = new Map()) => inPlanOrder({ memory, lane: 0, placeOf });

  /** Real records, and texts whose plans knew ever more of them; `gone` of the real records never come. */
  const streams = fc
    .record({
      reals: fc.integer({ min: 1, max: 8 }),
      gone: fc.array(fc.nat(8), { maxLength: 3 }),
      lines: fc.array(fc.record({ dropped: fc.boolean(), more: fc.nat(3) }), { minLength: 1, maxLength: 8 }),
    })
    .map(({ reals, gone, lines }) => {
      let known = 0;
      const texts = lines.map(({ dropped, more }, ordinal) => {
        known = Math.min(known + more, reals);
        return dropped ? ledgerRecord(ordinal) : refinedRecord(ordinal, { reals: known });
      });
      // Lines count from 1, and the last one is always there.
      const left = Array.from({ length: reals }, (_, n) => realRecord(n)).filter(
        (_, n) => n === reals - 1 || !gone.includes(n),
      );
      return { reals: left, texts };
    });

  /** Two streams as one: each keeps its order, the second one may come in any. */
  const merged = streams.chain(({ reals, texts }) =>
    fc
      .tuple(
        fc.shuffledSubarray(texts, { minLength: texts.length }),
        fc.array(fc.boolean(), { minLength: reals.length + texts.length, maxLength: reals.length + texts.length }),
      )
      .map(([shuffled, turns]) => {
        const [first, second]: [AnyRecord[], AnyRecord[]] = [[...reals], [...shuffled]];
        const all = turns.flatMap(
          (isReal) => (isReal ? (first.shift() ?? second.shift()) : (second.shift() ?? first.shift())) ?? [],
        );
        return { reals, texts, all };
      }),
  );

  test('T34 the places of real records among the texts do not depend on what comes when', async () => {
    await fc.assert(
      fc.asyncProperty(merged, async ({ reals, texts, all }) => {
        const outputs = outputsOf(await outcomesOf(ordered(), from(all)));
        const expected: AnyRecord[] = [];
        const waiting = [...reals];
        for (const text of texts) {
          if (text.kind !== 'refined') continue;
          while (waiting[0] !== undefined && (waiting[0].origin.line ?? 0) <= (text.plan.reals ?? 0)) {
            expected.push(...waiting.splice(0, 1));
          }
          expected.push(text);
        }
        expect(outputs).toEqual(expected);
      }),
    );
  });

  test('goes on after a restart from what was committed', async () => {
    await fc.assert(
      fc.asyncProperty(merged, fc.nat(16), async ({ all }, cut) => {
        const whole = outputsOf(await outcomesOf(ordered(), from(all)));
        const before = await outcomesOf(ordered(), from(all.slice(0, cut)));
        const memory = new Map(before.flatMap(({ changes = [] }) => changes));
        const ended = new Set(before.map(({ input }) => input));
        const rest = all.filter((record) => !ended.has(record));
        expect([...outputsOf(before), ...outputsOf(await outcomesOf(ordered(memory), from(rest)))]).toEqual(whole);
      }),
    );
  });

  test('a plan that knew of none holds nobody up', async () => {
    const outputs = outputsOf(await outcomesOf(ordered(), from([realRecord(0), refinedRecord(0)])));
    expect(outputs.map(({ kind }) => kind)).toEqual(['refined']);
  });
});

function outputsOf(outcomes: readonly Outcome<AnyRecord, AnyRecord>[]): readonly AnyRecord[] {
  return outcomes.flatMap((outcome) => (outcome.kind === 'emitted' ? outcome.outputs : []));
}

function ordinalOf(record: AnyRecord): number | undefined {
  if (record.kind === 'refined') return record.plan.ordinal;
  return record.kind === 'ledger-entry' ? record.ordinal : undefined;
}
