import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { given } from '../../../operators/bare/given.js';
import { emitted } from '../../../operators/flow/emitted.js';
import { draftSchema } from '../../../schemas/draft.js';
import { operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { draftedFields, mailPlan } from './mail.js';

const item = { id: '2'.repeat(32), fields: draftedFields };

describe('given', () => {
  operatorContract({
    make: () => given(),
    inputs: fc
      .array(fc.boolean(), { maxLength: 8 })
      .map((all) => all.map((has, ordinal) => mailPlan(ordinal, has ? { given: item } : {}))),
  });

  test('the text of a plan is its draft, and nothing is asked', async () => {
    const [outcome] = await outcomesOf(given(), from([mailPlan(0, { given: item })]));
    const [draft] = outcome?.kind === 'emitted' ? outcome.outputs : [];
    expect(draftSchema.parse(draft)).toMatchObject({ fields: draftedFields, calls: [], plan: { ordinal: 0 } });
  });

  test('a plan without a text is dropped by name', async () => {
    expect(await outcomesOf(given(), from([mailPlan(0)]))).toMatchObject([{ kind: 'dropped', reason: 'not-given' }]);
  });

  test('the example of its documentation', async () => {
    const plans = from([mailPlan(0, { given: item }), mailPlan(1)]);
    const drafts = await lastValueFrom(plans.pipe(given(), emitted(), toArray()));
    expect(drafts.map(({ fields }) => fields)).toEqual([draftedFields]);
  });
});
