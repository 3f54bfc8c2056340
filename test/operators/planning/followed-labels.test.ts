import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  type FollowedLabels,
  mostOwed,
  owed,
  withFailed,
  withPlanned,
} from '../../../operators/planning/followed-labels.js';
import { RealLabels } from '../../../operators/planning/real-labels.js';

/** Plans of labels, by the shares that `target` gives at each place; plans that fail by `fails`. */
function planned(
  count: number,
  target: (n: number) => readonly number[],
  window: number,
  fails = (_: number) => false,
) {
  let followed: FollowedLabels | undefined;
  const labels: number[] = [];
  for (let n = 0; labels.length < count; n++) {
    const before = owed({ before: followed, target: target(n), window, size: 1 });
    const label = mostOwed(before);
    followed = withPlanned(before, label, 1);
    if (fails(n)) followed = withFailed(followed, label);
    else labels.push(label);
  }
  return labels;
}

const shareOf = (labels: readonly number[], label: number) =>
  labels.filter((each) => each === label).length / labels.length;

describe('labels that follow shares', () => {
  it('stand in them to within a plan for each label, whatever fails', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 5 }), fc.nat(4), (parts, bad) => {
        const sum = parts.reduce((all, part) => all + part, 0);
        const shares = parts.map((part) => part / sum);
        const labels = planned(
          200,
          () => shares,
          8,
          (n) => bad > 0 && n % 5 < bad,
        );
        for (const [i, share] of shares.entries()) {
          expect(Math.abs(shareOf(labels, i) - share) * labels.length).toBeLessThanOrEqual(parts.length);
        }
      }),
    );
  });

  it('turn within two windows when the shares do, and make up for nothing that was right before', () => {
    const window = 20;
    const labels = planned(400, (n) => (n < 200 ? [0.9, 0.1] : [0.2, 0.8]), window);
    expect(shareOf(labels.slice(0, 200), 0)).toBeCloseTo(0.9, 1);
    // Within the window after the turn the shares are on their way; behind it they are there.
    expect(shareOf(labels.slice(200, 200 + window), 0)).toBeGreaterThan(0.4);
    expect(Math.abs(shareOf(labels.slice(200 + 3 * window), 0) - 0.2)).toBeLessThan(0.03);
  });

  it('take a whole group at a time', () => {
    const before = owed({ before: undefined, target: [0.5, 0.5], window: 8, size: 4 });
    expect(before).toEqual({ shares: [0.5, 0.5], debts: [2, 2] });
    expect(withPlanned(before, 0, 4).debts).toEqual([-2, 2]);
  });
});

describe('labels of the real stream', () => {
  const values = ['ham', 'spam'];

  it('are alike while none is known, and then what has come of late', () => {
    const labels = new RealLabels(new Map());
    expect(labels.shares(values)).toEqual([0.5, 0.5]);
    expect(labels.add(undefined, values)).toEqual([]);
    expect(labels.add('other', values)).toEqual([]);
    for (let n = 0; n < 100; n++) labels.add(n % 4 === 0 ? 'spam' : 'ham', values);
    expect(labels.shares(values)[1]).toBeCloseTo(0.25, 1);
    for (let n = 0; n < 5000; n++) labels.add('spam', values);
    expect(labels.shares(values)[1]).toBeGreaterThan(0.95);
  });

  it('go on after a restart to the last bit', () => {
    const memory = new Map<string, unknown>();
    const first = new RealLabels(memory);
    for (let n = 0; n < 10; n++) for (const [key, value] of first.add(values[n % 2], values)) memory.set(key, value);
    const second = new RealLabels(new Map(JSON.parse(JSON.stringify([...memory]))));
    expect(second.shares(values)).toEqual(first.shares(values));
  });
});
