import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { nextLabel } from '../../../operators/planning/label-balance.js';
import {
  afterLow,
  isDry,
  nextUnit,
  type PlannerState,
  startOfPlanning,
  withEnding,
  withIssued,
  withTarget,
} from '../../../operators/planning/planner.js';
import { ledgerRecord } from '../flow/records.js';
import { targetTick } from './planned-lane.js';

const options = { domain: {}, window: 8 };
const label = { field: 'kind', values: ['ham', 'spam'], shares: [3, 1] };

/** Issues all that the window lets out. */
function filled(state: PlannerState, group = 1): PlannerState {
  const unit = nextUnit({ ...options, group }, state);
  return unit === undefined ? state : filled(withIssued(state, unit, unit.label), group);
}

function ended(state: PlannerState, ordinal: number, outcome: 'accepted' | 'dropped' = 'accepted'): PlannerState {
  let after = withEnding(state, ledgerRecord(ordinal, { outcome }));
  for (let later = afterLow(after); later !== undefined; later = afterLow(after)) after = later;
  return after;
}

describe('the window of a lane', () => {
  it('lets nothing out before the target, then a window', () => {
    expect(nextUnit(options, startOfPlanning)).toBeUndefined();
    expect(filled(withTarget(startOfPlanning, targetTick(100))).next).toBe(8);
  });

  it('lets out no more than a quarter above what is missing', () => {
    expect(filled(withTarget(startOfPlanning, targetTick(2))).next).toBe(4);
    expect(filled(withTarget(startOfPlanning, targetTick(0))).next).toBe(0);
  });

  it('moves on when its first plan ends, and only then', () => {
    const out = filled(withTarget(startOfPlanning, targetTick(null)));
    const gap = ended(ended(out, 3), 1);
    expect({ low: gap.low, accepted: gap.accepted, next: filled(gap).next }).toEqual({ low: 0, accepted: 0, next: 8 });
    const moved = ended(gap, 0, 'dropped');
    expect({ low: moved.low, accepted: moved.accepted, next: filled(moved).next }).toEqual({
      low: 2,
      accepted: 1,
      next: 10,
    });
    expect(moved.ended.map(({ ordinal }) => ordinal)).toEqual([3]);
  });

  it('counts a dead letter that was put back, whenever it comes', () => {
    const out = filled(withTarget(startOfPlanning, targetTick(null)));
    const gap = ended(ended(out, 1, 'dropped'), 1, 'accepted');
    expect(gap.ended).toEqual([{ ordinal: 1, accepted: true }]);
    const late = ended(ended(ended(out, 0, 'dropped'), 1, 'dropped'), 0, 'accepted');
    expect({ low: late.low, accepted: late.accepted, ended: late.ended }).toEqual({ low: 2, accepted: 1, ended: [] });
  });

  it('has whole groups, at least one', () => {
    const opened = withTarget(startOfPlanning, targetTick(1));
    expect(nextUnit({ ...options, group: 5 }, opened)).toEqual({ ordinal: 0, size: 5, label: undefined });
    expect(filled(opened, 5).next).toBe(5);
    expect(filled(withTarget(startOfPlanning, targetTick(100)), 3).next).toBe(9);
    const almost = ended(ended(filled(opened, 5), 0, 'dropped'), 1, 'dropped');
    expect(nextUnit({ ...options, group: 5 }, almost)).toBeUndefined();
    const over = [2, 3, 4].reduce((state, ordinal) => ended(state, ordinal, 'dropped'), almost);
    expect(nextUnit({ ...options, group: 5 }, over)).toMatchObject({ ordinal: 5, size: 5 });
  });

  it('is dry when the target is met and nothing is out', () => {
    const out = filled(withTarget(startOfPlanning, targetTick(1)));
    expect(out.next).toBe(3);
    const met = ended(out, 0);
    expect(isDry(met)).toBe(false);
    expect(isDry(ended(ended(met, 2, 'dropped'), 1, 'dropped'))).toBe(true);
    expect(isDry(withTarget(met, targetTick(null)))).toBe(false);
  });
});

describe('nextLabel', () => {
  const counts = fc.record({
    ham: fc.record({ accepted: fc.nat(200), outstanding: fc.nat(20) }),
    spam: fc.record({ accepted: fc.nat(200), outstanding: fc.nat(20) }),
  });

  it('keeps what is accepted or on its way in its shares, after any number of plans', () => {
    const all = { ham: 0, spam: 0 };
    for (let plans = 1; plans <= 400; plans++) {
      const out = Object.entries(all).map(([value, outstanding]) => [value, { accepted: 0, outstanding }]);
      const next = nextLabel({ label, counts: Object.fromEntries(out) });
      if (next === 'ham' || next === 'spam') all[next]++;
      expect(Math.abs(all.ham - 0.75 * plans)).toBeLessThanOrEqual(1);
    }
  });

  it('never plans what is there already, while another label is missing', () => {
    fc.assert(
      fc.property(counts, fc.nat(200), fc.nat(200), (has, ham, spam) => {
        const wanted = { ham, spam };
        const next = nextLabel({ label, counts: has, wanted });
        const missing = (['ham', 'spam'] as const).filter((value) => has[value].accepted < wanted[value]);
        const uncovered = missing.filter((value) => has[value].accepted + has[value].outstanding < wanted[value]);
        if (missing.length > 0) expect(missing).toContain(next);
        if (uncovered.length > 0) expect(uncovered).toContain(next);
      }),
    );
  });

  it('gives spare plans to what is still missing', () => {
    const has = { ham: { accepted: 10, outstanding: 0 }, spam: { accepted: 8, outstanding: 2 } };
    expect(nextLabel({ label, counts: has, wanted: { ham: 10, spam: 10 } })).toBe('spam');
  });
});
