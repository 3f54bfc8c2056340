import { describe, expect, it } from 'vitest';

import { refused } from '../../../engines/openai/failure.js';

function of(status: number, error: object, headers = {}) {
  return refused(status, headers, JSON.stringify({ error }), 0);
}

describe('refused with 429', () => {
  it.each([
    'insufficient_quota',
    'credit_balance_exhausted',
    'organization_spend_limit_exceeded',
    'project_spend_limit_exceeded',
    'organization_usage_limit_exceeded',
  ])('is not tried again where an account cannot pay: %s, as a code or as a type', (kind) => {
    const nobody = { message: 'no', param: null };
    for (const error of [
      { ...nobody, code: kind },
      { ...nobody, type: kind, code: 'other' },
    ]) {
      expect(of(429, error)).toMatchObject({ code: 'endpoint-refused', retriable: false, misplaced: true });
    }
  });

  it('is tried again after a rate limit, when the server says', () => {
    const error = { message: 'Rate limit reached for m', type: 'tokens', code: 'rate_limit_exceeded' };
    expect(of(429, error, { 'retry-after': '2' })).toMatchObject({ retriable: true, retryAfterMs: 2000 });
    expect(of(429, { ...error, code: 'slow_down' })).toMatchObject({ retriable: true, isOverload: true });
  });

  it('is a prompt too long where one request has more tokens than a minute may have', () => {
    const error = { message: 'Request too large for m', type: 'tokens', code: 'rate_limit_exceeded' };
    expect(of(429, error)).toMatchObject({ code: 'prompt-too-long', retriable: false });
  });
});
