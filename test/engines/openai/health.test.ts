import fc from 'fast-check';
import { expect, it } from 'vitest';

import { Failure } from '../../../engines/openai/failure.js';
import { type Health, type HealthEvent, health, openFrom, well } from '../../../engines/openai/health.js';

const failure = new Failure('endpoint-unreachable', 'status 500', true, 500);
const gone = new Failure('endpoint-unreachable', 'refused', true, undefined, undefined, true);
const busy = new Failure('endpoint-unreachable', 'status 429', true, 429);

function failed(at: number, what = failure, sentAt = at): HealthEvent {
  return { kind: 'failed', at, sentAt, failure: what };
}

function after(...events: readonly HealthEvent[]): Health {
  return events.reduce(health, well);
}

it('is out after five failures in a row, or one that says that nobody is there', () => {
  const four = [1, 2, 3, 4].map((at) => failed(at));
  expect(openFrom(after(...four))).toBe(Number.NEGATIVE_INFINITY);
  expect(openFrom(after(...four, failed(5)))).toBe(1005);
  expect(openFrom(after(...four, { kind: 'answered' }, failed(5)))).toBe(Number.NEGATIVE_INFINITY);
  expect(openFrom(after(failed(5, gone)))).toBe(1005);
  expect(openFrom(after(...Array(9).fill(failed(5, busy))))).toBe(Number.NEGATIVE_INFINITY);
});

it('is tried by one request after a pause that doubles up to a minute, and back with its answer', () => {
  let state = after(failed(0, gone));
  const pauses: number[] = [];
  for (let time = 0; time < 9; time += 1) {
    const from = openFrom(state);
    state = health(state, { kind: 'sent' });
    expect(openFrom(state)).toBe(Number.POSITIVE_INFINITY);
    state = health(state, failed(from + 1, gone));
    pauses.push(openFrom(state) - from - 1);
  }
  expect(pauses).toEqual([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
  state = health(health(state, { kind: 'sent' }), { kind: 'answered' });
  expect(openFrom(state)).toBe(Number.NEGATIVE_INFINITY);
});

it('learns nothing from requests that were sent before it was out', () => {
  const out = after(failed(10, gone));
  expect(health(out, failed(20, gone, 5))).toBe(out);
});

it('is tried by another where the one that tried was given up', () => {
  const tried = after(failed(0, gone), { kind: 'sent' });
  expect(openFrom(health(tried, { kind: 'left', at: 3000 }))).toBe(3000);
});

it('comes back with any answer, whatever happened', () => {
  const event = fc.oneof(
    fc.constant<HealthEvent>({ kind: 'answered' }),
    fc.constant<HealthEvent>({ kind: 'sent' }),
    fc.nat(1000).map<HealthEvent>((at) => ({ kind: 'left', at })),
    fc.tuple(fc.nat(1e6), fc.constantFrom(failure, gone, busy)).map(([at, what]) => failed(at, what)),
  );
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const state = after(...events, { kind: 'answered' });
      expect(openFrom(state)).toBe(Number.NEGATIVE_INFINITY);
    }),
  );
});
