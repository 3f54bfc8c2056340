import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { unrefined } from '../../../operators/bare/unrefined.js';
import { emitted } from '../../../operators/flow/emitted.js';
import { recordId } from '../../../schemas/ids.js';
import { refinedSchema } from '../../../schemas/refined.js';
import { operatorContract } from '../flow/operator-contract.js';
import { mailDraft } from './mail.js';

describe('unrefined', () => {
  operatorContract({
    make: () => unrefined(),
    inputs: fc.nat(8).map((n) => Array.from({ length: n }, (_, ordinal) => mailDraft(ordinal))),
  });

  test('gives every draft as it is, in order, with its calls', async () => {
    const drafts = [mailDraft(0), mailDraft(1)];
    const records = await lastValueFrom(from(drafts).pipe(unrefined(), emitted(), toArray()));
    expect(records.map((record) => refinedSchema.parse(record))).toEqual(
      drafts.map(({ id, plan, fields, calls }) => ({
        kind: 'refined',
        id: recordId('refined', id),
        plan,
        draft: { id, fields },
        fields,
        kept: 'draft',
        keptBecause: 'refine-off',
        calls,
      })),
    );
  });
});
