import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { without } from '../../../operators/flow/without.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import { operatorContract, outcomesOf } from './operator-contract.js';
import { realRecord, seedRecord } from './records.js';

const make = () => without<AnyRecord, 'real'>('real');

describe('without', () => {
  operatorContract({
    make,
    inputs: fc
      .array(fc.boolean(), { maxLength: 10 })
      .map((all) => all.map((real, n) => (real ? realRecord(n) : seedRecord(n)))),
  });

  test('absorbs the kind, and forwards the very records of all others', async () => {
    const records = [realRecord(0), seedRecord(1)] as const;
    expect(await outcomesOf(make(), from(records))).toEqual([
      { kind: 'absorbed', input: records[0] },
      { kind: 'emitted', input: records[1], outputs: [records[1]] },
    ]);
  });
});
