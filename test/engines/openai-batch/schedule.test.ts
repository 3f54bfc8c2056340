import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Schedule } from '../../../engines/openai-batch/schedule.js';

const limits = { requests: 3, bytes: 100, pauseMs: 1000, pollMs: 5000 };

function keysOf(schedule: Schedule, now: number): readonly (readonly string[])[] {
  return schedule.due(now).flatMap((due) => (due.kind === 'send' ? [due.keys] : []));
}

describe('what is gathered', () => {
  it('goes after a pause without more', () => {
    const schedule = new Schedule(limits);
    schedule.gather('p', 'a', 1, 0);
    schedule.gather('p', 'b', 1, 900);
    expect(schedule.wait(900)).toBe(1000);
    expect(keysOf(schedule, 1899)).toEqual([]);
    expect(keysOf(schedule, 1900)).toEqual([['a', 'b']]);
    expect(schedule.wait(1900)).toBeUndefined();
  });

  it('goes at once when there is enough of it, in requests or in bytes', () => {
    const schedule = new Schedule(limits);
    for (const key of ['a', 'b', 'c', 'd']) schedule.gather('p', key, 1, 0);
    expect(keysOf(schedule, 0)).toEqual([['a', 'b', 'c']]);
    for (const key of ['e', 'f']) schedule.gather('q', key, 60, 0);
    expect(keysOf(schedule, 0)).toEqual([['e']]);
    expect(keysOf(schedule, 1000)).toEqual([['d'], ['f']]);
  });

  it('is left out when nobody waits for it any more', () => {
    const schedule = new Schedule(limits);
    schedule.gather('p', 'a', 90, 0);
    schedule.drop('p', 'a');
    schedule.gather('p', 'b', 90, 0);
    expect(keysOf(schedule, 1000)).toEqual([['b']]);
    expect(schedule.size).toBe(0);
  });

  it('waits longer after each failure, and no longer once it was sent', () => {
    const schedule = new Schedule(limits);
    const pauses: number[] = [];
    let now = 0;
    for (let failure = 0; failure < 10; failure++) {
      schedule.gather('p', 'a', 1, now);
      now += schedule.wait(now) ?? Number.NaN;
      expect(keysOf(schedule, now)).toEqual([['a']]);
      schedule.gather('p', 'a', 1, now);
      schedule.sendFailed('p', now);
      pauses.push(schedule.wait(now) ?? Number.NaN);
    }
    expect(pauses).toEqual([5000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000, 600_000]);
    schedule.sendSucceeded('p');
    schedule.sendFailed('p', now);
    expect(schedule.wait(now)).toBe(5000);
  });

  it('goes out exactly once, in order, and never more than the limits together', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 1, max: 150 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (asked) => {
        const schedule = new Schedule(limits);
        const sent: (readonly string[])[] = [];
        const bytes = new Map(asked.map(([, size], index) => [`${index}`, size]));
        let now = 0;
        for (const [index, [gap, size]] of asked.entries()) {
          now += gap;
          sent.push(...keysOf(schedule, now));
          schedule.gather('p', `${index}`, size, now);
        }
        sent.push(...keysOf(schedule, now + 1000));
        expect(sent.flat()).toEqual(asked.map((_, index) => `${index}`));
        for (const keys of sent) {
          expect(keys.length).toBeLessThanOrEqual(3);
          const size = keys.reduce((sum, key) => sum + (bytes.get(key) ?? 0), 0);
          expect(size <= 100 || keys.length === 1).toBe(true);
        }
      }),
    );
  });
});

describe('a pile whose batches fail as a whole', () => {
  const large = { requests: 128, bytes: 1e6, pauseMs: 1000, pollMs: 5000 };

  function gathered(schedule: Schedule, count: number, now: number): void {
    for (let n = 0; n < count; n++) schedule.gather('p', `${n}`, 1, now);
  }

  it('waits longer after each failure, of which those in a pause are one', () => {
    const schedule = new Schedule(large);
    const pauses = [0, 1, 2, 3, 4, 5, 6, 7].reduce<{ now: number; all: readonly number[] }>(
      ({ now, all }) => {
        gathered(schedule, 1, now);
        schedule.batchFailed('p', now);
        schedule.batchFailed('p', now + 1);
        const pause = schedule.wait(now) ?? Number.NaN;
        expect(keysOf(schedule, now + pause - 1)).toEqual([]);
        expect(keysOf(schedule, now + pause)).toEqual([['0']]);
        return { now: now + pause + large.pollMs * 2, all: [...all, pause] };
      },
      { now: 0, all: [] },
    );
    expect(pauses.all).toEqual([5000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000]);
    expect(schedule.failingFor('p', pauses.now)).toBe(pauses.now);
    schedule.batchEnded('p');
    expect(schedule.failingFor('p', pauses.now)).toBe(0);
    schedule.batchFailed('p', pauses.now);
    gathered(schedule, 1, pauses.now);
    expect(schedule.wait(pauses.now)).toBe(5000);
  });

  it('sends smaller ones, one in two looks, down to a 64th; and larger ones once they end', () => {
    const schedule = new Schedule(large);
    const sizes: number[] = [];
    let now = 0;
    for (let failure = 0; failure < 8; failure++) {
      gathered(schedule, 128, now);
      now += schedule.wait(now) ?? Number.NaN;
      const sent = keysOf(schedule, now);
      expect(sent).toHaveLength(1);
      expect(keysOf(schedule, now + large.pollMs)).toEqual([]);
      sizes.push(sent[0]?.length ?? 0);
      now += large.pollMs;
      schedule.batchFailed('p', now, sent[0]?.length);
    }
    expect(sizes).toEqual([128, 64, 32, 16, 8, 4, 2, 2]);
    schedule.batchEnded('p');
    gathered(schedule, 128, now);
    expect(keysOf(schedule, now + 10_000).map(({ length }) => length)).toEqual(Array.from({ length: 32 }, () => 4));
  });
});

describe('a batch', () => {
  it('is looked at after the time between looks, once', () => {
    const schedule = new Schedule(limits);
    schedule.watch('b', 0);
    expect(schedule.wait(1)).toBe(4999);
    expect(schedule.due(4999)).toEqual([]);
    expect(schedule.due(5000)).toEqual([{ kind: 'look', batch: 'b' }]);
    expect(schedule.due(50_000)).toEqual([]);
  });

  it('is looked at less often while that fails', () => {
    const schedule = new Schedule(limits);
    schedule.watch('b', 0);
    schedule.lookFailed('b', 0);
    schedule.lookFailed('b', 0);
    expect(schedule.wait(0)).toBe(10_000);
    schedule.watch('b', 0);
    expect(schedule.wait(0)).toBe(5000);
  });
});
