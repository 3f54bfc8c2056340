import { describe, expect, it } from 'vitest';

import { savings, spendingOf } from '../../operators/spending.js';
import { callRecord } from './flow/records.js';

describe('spendingOf', () => {
  it('is nothing without calls', () => {
    const none = { promptTokens: 0, completionTokens: 0, cost: 0, savedCalls: 0, savedTokens: 0, savedCost: 0 };
    expect(spendingOf([])).toEqual(none);
    expect(savings(spendingOf([]))).toEqual({});
  });

  it('counts the tokens of all calls, and the cost of reused ones apart', () => {
    const calls = [callRecord(0), callRecord(1, { reused: true, cost: 0.5 }), callRecord(2, { cost: 1 })];
    const spending = spendingOf(calls);
    expect(spending).toEqual({
      ...{ promptTokens: 30, completionTokens: 15, cost: 1.25 },
      ...{ savedCalls: 1, savedTokens: 15, savedCost: 0.5 },
    });
    expect(savings(spending)).toEqual({ savedCalls: 1, savedTokens: 15, savedCost: 0.5 });
  });

  it('knows no sum with a price that is not known, on the side where it is', () => {
    const unknown = callRecord(0, { cost: null });
    expect(spendingOf([unknown, callRecord(1)])).toMatchObject({ cost: null, savedCost: 0 });
    expect(spendingOf([{ ...unknown, reused: true }, callRecord(1)])).toMatchObject({ cost: 0.25, savedCost: null });
  });
});
