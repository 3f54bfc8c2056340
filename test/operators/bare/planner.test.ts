import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  isDry,
  type PlannerOptions,
  type PlannerState,
  planNext,
  planOf,
  startOfPlanning,
} from '../../../operators/bare/planner.js';
import type { LedgerEntry } from '../../../schemas/ledger-entry.js';
import type { Example, Plan } from '../../../schemas/plan.js';
import type { Tick } from '../../../schemas/tick.js';

const options: PlannerOptions = {
  domain: {
    about: 'short e-mails',
    fields: { subject: { minLength: 1, maxLength: 100 }, body: { minLength: 1, maxLength: 1000 } },
    label: { field: 'kind', values: ['ham', 'spam'], shares: [3, 1] },
    vary: { tone: ['plain', 'warm', 'terse'] },
  },
  lane: 0,
  window: 8,
  examples: 3,
  seed: 7,
};

const seeds: readonly Example[] = Array.from({ length: 7 }, (_, i) => ({
  id: i.toString(16).padStart(32, '0'),
  fields: { subject: `s${i}`, body: `b${i}` },
  vary: {},
}));

function target(total: number | null): Tick {
  return { kind: 'tick', id: '0'.repeat(32), lane: 0, reason: 'target', total, at: 1 };
}

function ending({ id, ordinal }: Plan, outcome: LedgerEntry['outcome']): LedgerEntry {
  const spent = { promptTokens: 0, completionTokens: 0, cost: 0 };
  return {
    kind: 'ledger-entry',
    id,
    lane: 0,
    ordinal,
    planId: id,
    subject: id,
    stage: 'align',
    outcome,
    ...spent,
    at: 2,
  };
}

/**
 * A river in which a plan's fate is fixed by its ordinal, and ends come in an order that `pick` chooses: a drop may come at
 * any time, an acceptance only when every lower ordinal has ended, as `inPlanOrder` makes it.
 */
function runRiver(total: number, fate: (ordinal: number) => boolean, pick: (choices: number) => number) {
  let state: PlannerState = startOfPlanning;
  let open: Plan[] = [];
  const all: Plan[] = [];
  const take = (event: Tick | LedgerEntry) => {
    const planned = planNext(options, state, seeds, event);
    state = planned.state;
    open.push(...planned.plans);
    all.push(...planned.plans);
    expect(open.length).toBeLessThanOrEqual(options.window);
    expect(state.ended.length).toBeLessThanOrEqual(options.window);
  };
  take(target(total));
  let accepted = 0;
  while (open.length > 0) {
    const lowest = Math.min(...open.map(({ ordinal }) => ordinal));
    const endable = open.filter(({ ordinal }) => !fate(ordinal) || ordinal === lowest || accepted >= total);
    const plan = endable[pick(endable.length)];
    if (plan === undefined) throw new Error('nothing can end');
    open = open.filter((other) => other !== plan);
    const kept = fate(plan.ordinal) && accepted < total;
    if (kept) accepted++;
    take(ending(plan, kept ? 'accepted' : 'dropped'));
  }
  return { state, all, accepted };
}

describe('planNext', () => {
  it('sends nothing before the target, then a window', () => {
    const planned = planNext(options, startOfPlanning, seeds, target(100));
    expect(planned.plans.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('sends no more than a quarter above what is missing', () => {
    expect(planNext(options, startOfPlanning, seeds, target(2)).plans).toHaveLength(4);
    expect(planNext(options, startOfPlanning, seeds, target(0)).plans).toHaveLength(0);
  });

  it('goes on without end when the target is endless', () => {
    let { state, plans } = planNext(options, startOfPlanning, seeds, target(null));
    for (let i = 0; i < 100; i++) {
      const [first, ...rest] = plans;
      if (first === undefined) throw new Error('no plan is out');
      const next = planNext(options, state, seeds, ending(first, 'accepted'));
      state = next.state;
      plans = [...rest, ...next.plans];
      expect(plans).toHaveLength(options.window);
    }
    expect(isDry(state)).toBe(false);
  });

  it('goes for more when a higher target comes', () => {
    const first = runRiver(
      3,
      () => true,
      () => 0,
    );
    expect(isDry(first.state)).toBe(true);
    const more = planNext(options, first.state, seeds, target(5));
    expect(more.plans.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2, 3].map((i) => first.state.next + i));
  });

  it('reaches the target with the same plans in whatever order they end', () => {
    const fates = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }).filter((list) => list.some(Boolean));
    const picks = fc.infiniteStream(fc.nat(1000));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 25 }), fates, picks, (total, list, stream) => {
        const fate = (ordinal: number) => list[ordinal % list.length] ?? true;
        const inOrder = runRiver(total, fate, () => 0);
        const shuffled = runRiver(total, fate, (choices) => Number(stream.next().value) % choices);
        expect(shuffled.accepted).toBe(total);
        expect(isDry(shuffled.state)).toBe(true);
        const ids = ({ all }: typeof inOrder) => all.map(({ id }) => id);
        expect(ids(shuffled)).toEqual(ids(inOrder));
      }),
    );
  });
});

describe('planOf', () => {
  it('depends on the options, the seeds and the ordinal alone', () => {
    expect(planOf(options, seeds, 5, 1)).toEqual(planOf(options, seeds, 5, 1));
    expect(planOf(options, seeds, 5, 1).id).not.toBe(planOf(options, seeds, 6, 1).id);
    expect(planOf({ ...options, seed: 8 }, seeds, 5, 1).randomSeed).not.toBe(planOf(options, seeds, 5, 1).randomSeed);
    expect(planOf({ ...options, lane: 1 }, seeds, 5, 1).id).not.toBe(planOf(options, seeds, 5, 1).id);
  });

  it('keeps labels in their shares after any number of plans', () => {
    let ham = 0;
    for (let ordinal = 0; ordinal < 400; ordinal++) {
      if (planOf(options, seeds, ordinal, 1).label === 'ham') ham++;
      expect(Math.abs(ham - 0.75 * (ordinal + 1))).toBeLessThan(3);
    }
  });

  it('shows whole groups of seeds, all of them in turn', () => {
    const groups = new Set(
      Array.from({ length: 50 }, (_, i) =>
        planOf(options, seeds, i, 1)
          .examples.map(({ id }) => id)
          .join(),
      ),
    );
    expect([...groups].every((group) => group.split(',').length === 3)).toBe(true);
    expect(groups.size).toBe(3);
    expect(new Set([...groups].join().split(',')).size).toBe(seeds.length);
  });

  it('shows what there is when there are fewer seeds than examples', () => {
    expect(planOf(options, seeds.slice(0, 2), 0, 1).examples).toHaveLength(2);
  });

  it('draws varied values evenly', () => {
    const tones = Array.from({ length: 900 }, (_, i) => planOf(options, seeds, i, 1).vary['tone']);
    for (const tone of ['plain', 'warm', 'terse']) {
      const count = tones.filter((other) => other === tone).length;
      expect(count).toBeGreaterThan(240);
      expect(count).toBeLessThan(360);
    }
  });
});
