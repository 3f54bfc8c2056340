import fc from 'fast-check';
import { from, map, mergeMap, of } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { draft } from '../../../../operators/bare/draft.js';
import { journalOfPlans, ofReasoned, reasonedId } from '../../../../operators/synalign/reason/of-reasoned.js';
import type { Reasoned } from '../../../../schemas/reasoned.js';
import { MemoryJournal } from '../../bare/journal.js';
import { mail } from '../../bare/mail.js';
import { operatorContract, outcomesOf } from '../../flow/operator-contract.js';
import { functionModel } from '../../function-model.js';
import { regionPlan } from '../reasoned-plans.js';

function reasoned(ordinal: number): Reasoned {
  const plan = regionPlan(ordinal, 1);
  return { kind: 'reasoned', id: reasonedId(plan.id), plan };
}

const drafting = () => ofReasoned(draft({ model: functionModel(() => ' New\nBody: It is new.'), domain: mail }));

describe('an operator on plans, on reasoned plans', () => {
  operatorContract({
    make: drafting,
    inputs: fc.nat(12).map((length) => Array.from({ length }, (_, n) => reasoned(n))),
    runs: 20,
  });

  test('its outcomes name the very records that came in, whatever their order', async () => {
    const records = [0, 1, 2].map(reasoned);
    const outcomes = await outcomesOf(drafting(), from(records));
    expect(outcomes.map(({ input }) => input)).toEqual(records);
    expect(records).toContain(outcomes[0]?.input);
    expect(outcomes[0]).toMatchObject({ kind: 'emitted', outputs: [{ plan: { ordinal: 0 } }] });
  });

  test('an outcome of something else is an error', async () => {
    const twice = ofReasoned<never>(
      mergeMap((plan) => of(1, 2).pipe(map(() => ({ kind: 'absorbed' as const, input: plan })))),
    );
    await expect(outcomesOf(twice, from([reasoned(0)]))).rejects.toThrow('ended a plan twice');
  });

  test('answers for a plan are kept under the record that carries it', async () => {
    const journal = new MemoryJournal();
    const own = journalOfPlans(journal);
    const plan = regionPlan(0, 1);
    const model = functionModel(() => ' New\nBody: It is new.');
    const completion = await model.complete({ prompt: 'x', temperature: 0, maxTokens: 1 });
    await own.put('hash', plan.id, completion);
    expect(journal.get('hash', reasonedId(plan.id))).toBe(completion);
    expect(own.get('hash', plan.id)).toBe(completion);
    expect(own.find('hash')).toBe(completion);
    expect(own.get('hash', 'another')).toBeUndefined();
  });
});
