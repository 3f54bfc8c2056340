import { expect, test } from 'vitest';

import type { Outcome } from '../../../operators/flow/outcome.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import type { Plan } from '../../../schemas/plan.js';
import type { Tick } from '../../../schemas/tick.js';
import { DeadStreak } from '../../../streams/river/dead-streak.js';

type End = Outcome<AnyRecord, AnyRecord>;

const id = '0'.repeat(32);
const plan: Plan = {
  kind: 'plan',
  id,
  lane: 0,
  ordinal: 0,
  method: 'bare',
  vary: {},
  examples: [],
  seedCount: 0,
  randomSeed: 1,
  plannedAt: 0,
};
const tick: Tick = { kind: 'tick', id, lane: 0, reason: 'interval', total: null, at: 0 };
const dead: End = { kind: 'dead', input: plan, code: 'endpoint-timeout', message: 'it hung' };
const emitted: End = { kind: 'emitted', input: plan, outputs: [] };
const dropped: End = { kind: 'dropped', input: plan, reason: 'unparsable' };

test('as many deaths in a row as the limit, over several commits, are an error with the code of the last', () => {
  const streak = new DeadStreak(3);
  expect(streak.after({ stage: 'draft', outcomes: [emitted, dead] })).toBeUndefined();
  expect(streak.after({ stage: 'draft', outcomes: [dead] })).toBeUndefined();
  const error = streak.after({ stage: 'draft', outcomes: [dead] });
  expect(error).toMatchObject({ code: 'endpoint-timeout', message: expect.stringContaining('it hung') });
  expect(error?.message).toContain('stage draft: 3 records in a row');
});

test.each([
  ['emitted', emitted],
  ['dropped', dropped],
])('one that is %s begins a new row', (_, other) => {
  const streak = new DeadStreak(3);
  expect(streak.after({ stage: 'draft', outcomes: [dead, dead, other, dead, dead] })).toBeUndefined();
});

test('stages are told apart', () => {
  const streak = new DeadStreak(3);
  expect(streak.after({ stage: 'refine', outcomes: [dead, dead] })).toBeUndefined();
  expect(streak.after({ stage: 'draft', outcomes: [emitted, dead] })).toBeUndefined();
  expect(streak.after({ stage: 'refine', outcomes: [dead] })).toBeDefined();
});

test('inputs without a plan neither count nor interrupt', () => {
  const streak = new DeadStreak(2);
  const deadTick: End = { ...dead, input: tick };
  expect(streak.after({ stage: 'align', outcomes: [deadTick, deadTick, deadTick] })).toBeUndefined();
  expect(streak.after({ stage: 'align', outcomes: [dead, { kind: 'absorbed', input: tick }, dead] })).toBeDefined();
});

test('a code that is not ours is named in the message', () => {
  const error = new DeadStreak(1).after({ stage: 'draft', outcomes: [{ ...dead, code: 'mine' }] });
  expect(error?.code).toBe('operator-failed');
});
