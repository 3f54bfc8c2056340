import { describe, expect, it } from 'vitest';

import type { Outcome } from '../../../operators/flow/outcome.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import { BarrenStreak } from '../../../streams/river/barren-streak.js';
import { examples } from '../../schemas/examples.js';

const input = examples.refined;
const dropped: Outcome<AnyRecord, AnyRecord> = { kind: 'dropped', input, reason: 'no-match' };
const dead: Outcome<AnyRecord, AnyRecord> = { kind: 'dead', input, code: 'endpoint-refused', message: 'no' };
const surplus: Outcome<AnyRecord, AnyRecord> = { kind: 'dropped', input, reason: 'surplus' };
const accepted: Outcome<AnyRecord, AnyRecord> = { kind: 'emitted', input, outputs: [examples.sample] };

describe('BarrenStreak', () => {
  it('gives up after as many lines without a sample as the limit, and names the reasons, most frequent first', () => {
    const streak = new BarrenStreak(4);
    expect(streak.after({ stage: 'align', outcomes: [dropped, dropped] })).toBeUndefined();
    expect(streak.after({ stage: 'draft', outcomes: [dead] })).toBeUndefined();
    const error = streak.after({ stage: 'align', outcomes: [dropped] });
    expect(error?.code).toBe('nothing-accepted');
    expect(error?.message).toContain('align/no-match 3, draft/endpoint-refused 1');
  });

  it('begins again with every accepted line', () => {
    const streak = new BarrenStreak(3);
    expect(streak.after({ stage: 'align', outcomes: [dropped, dropped, accepted, dropped, dropped] })).toBeUndefined();
    expect(streak.after({ stage: 'align', outcomes: [dropped] })).toBeDefined();
  });

  it('does not count what nobody wanted any more', () => {
    const streak = new BarrenStreak(2);
    expect(streak.after({ stage: 'draft', outcomes: [surplus, surplus, surplus] })).toBeUndefined();
  });
});
