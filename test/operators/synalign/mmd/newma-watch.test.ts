import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { EmbeddedReal } from '../../../../operators/synalign/embedded-real.js';
import type { CalibratedDrift, NewmaDrift } from '../../../../operators/synalign/mmd/drift-options.js';
import { type RollingMmdOptions, rollingMmd } from '../../../../operators/synalign/mmd/rolling-mmd.js';
import { type Correction, correctionSchema } from '../../../../schemas/correction.js';
import type { Sample } from '../../../../schemas/sample.js';
import { memoryAfter, operatorContract, outcomesOf } from '../../flow/operator-contract.js';
import { embedder, realAt, sampleAt, vectors } from '../drift-stream.js';

type In = EmbeddedReal | Sample;

/** Learns from 170 records. */
const drift: NewmaDrift = { test: 'newma', window: 16, deviations: 7 };
/** With many alarms; learns from 36 records. */
const nervous: NewmaDrift = { test: 'newma', window: 2, deviations: 1 };

function make(memory: ReadonlyMap<string, unknown> = new Map(), options: Partial<RollingMmdOptions> = {}) {
  const sizes = { window: 24, frequencies: 16, every: 4, drift };
  return rollingMmd({ embedder, lane: 0, memory, seed: 5, ...sizes, ...options });
}

/** Real records and samples by turns; `shiftAt` says how far the real record n is moved. */
function stream(pairs: number, seed: number, shiftAt: (n: number) => number = () => 0): readonly In[] {
  const draw = vectors(seed);
  return Array.from({ length: pairs }, (_, n) => [realAt(n, draw(shiftAt(n))), sampleAt(n, draw())]).flat();
}

async function correctionsOf(records: readonly In[], options: Partial<RollingMmdOptions> = {}) {
  const outcomes = await outcomesOf(make(new Map(), options), from(records));
  return outcomes.flatMap((outcome) => {
    if (outcome.kind !== 'emitted') return [];
    return outcome.outputs.filter((output): output is Correction => output.kind === 'correction');
  });
}

describe('the drift of the real stream by NEWMA', () => {
  operatorContract({
    make: (memory) => make(memory, { drift: nervous }),
    inputs: fc.tuple(fc.nat(130), fc.nat(9)).map(([pairs, seed]) => stream(pairs, seed, (n) => (n < 80 ? 0 : 3))),
    runs: 25,
  });

  test('T36: a jump raises an alarm, and the reference, the regions and the test of equality begin anew', async () => {
    // the bandwidth is fixed by the record 24, from which on 170 are learned from
    const jump = 24 + 170 + 60;
    const all = await correctionsOf(stream(700, 1, (n) => (n < jump ? 0 : 4)));
    const learning = all.filter(({ real }) => real.seen < 24 + 170);
    expect(learning.length).toBeGreaterThan(20);
    expect(learning.every(({ drift }) => drift?.threshold === null && drift.tested === 0)).toBe(true);
    const before = all.filter(({ real }) => real.seen <= jump && real.seen >= 24 + 170);
    expect(before.length).toBeGreaterThan(5);
    for (const { drift, reference, real } of before) {
      expect(reference).toBe(0);
      expect(drift).toMatchObject({ alarms: 0, expectedRunTime: null, tested: real.seen - 23 - 170 });
      expect(drift?.statistic).toBeLessThan(drift?.threshold ?? 0);
    }
    const alarm = all.find(({ reference }) => reference === 1);
    if (alarm === undefined) throw new Error('there was no alarm');
    expect(alarm.real.seen - jump).toBeLessThanOrEqual(16);
    expect(alarm.drift).toMatchObject({ alarms: 1, threshold: null, tested: 0 });
    expect(alarm.equality?.pairs).toBeLessThanOrEqual(1);
    // it cools for a window, and learns from the records of the new kind
    const again = all.find(({ real, drift }) => real.seen > alarm.real.seen && drift?.threshold !== null);
    expect(again?.real.seen).toBeGreaterThan(alarm.real.seen + 16 + 170);
    expect(again?.real.seen).toBeLessThan(alarm.real.seen + 16 + 170 + 8);
    expect(all.at(-1)?.reference).toBe(1);
    expect(all.at(-1)?.bandwidth).toBe(before[0]?.bandwidth);
    for (const correction of all) expect(() => correctionSchema.parse(correction)).not.toThrow();
  });

  test('the correction after an alarm comes with the next sample, whatever its number', async () => {
    const all = await correctionsOf(
      stream(300, 1, (n) => (n < 254 ? 0 : 4)),
      { every: 50 },
    );
    const alarm = all.find(({ reference }) => reference === 1);
    expect((alarm?.accepted ?? 0) % 50).not.toBe(0);
  });

  test('a slow drift is absorbed, which a frozen reference sees', () => {
    const calibrated: CalibratedDrift = { expectedRunTime: 300, window: 16, reference: 64 };
    const alarms = (drift: NewmaDrift | CalibratedDrift, shiftAt: (n: number) => number, seed: number) => {
      const draw = vectors(seed);
      const memory = new Map<string, unknown>();
      from(Array.from({ length: 1600 }, (_, n) => realAt(n % 50, draw(shiftAt(n)))))
        .pipe(make(new Map(), { drift }))
        .subscribe(({ changes = [] }) => {
          for (const [key, value] of changes) memory.set(key, value);
        });
      return z.object({ alarms: z.number() }).parse(memory.get('drift')).alarms;
    };
    const slow = (n: number) => Math.min(3, Math.max(0, (n - 300) / 400));
    for (let seed = 20; seed < 23; seed++) {
      expect(alarms(drift, () => 0, seed)).toBe(0);
      expect(alarms(drift, slow, seed)).toBe(0);
      expect(alarms(drift, (n) => (n < 300 ? 0 : 4), seed)).toBe(1);
      if (seed === 20) expect(alarms(calibrated, slow, seed)).toBeGreaterThan(0);
    }
  });

  test('T34: a restart anywhere changes no bit', async () => {
    const records = stream(330, 3, (n) => (n < 200 ? 0 : 3));
    const whole = await outcomesOf(make(new Map(), { drift: nervous }), from(records));
    const phases = new Set<string>();
    const memory = new Map<string, unknown>();
    for (const [n, { changes = [] }] of whole.entries()) {
      for (const [key, value] of changes) memory.set(key, value);
      const state = memory.get('drift');
      if (typeof state !== 'object' || state === null || !('phase' in state)) continue;
      phases.add(`${state.phase}${memory.get('drift/averages') === null ? ' without averages' : ''}`);
      if (n % 41 !== 0 && n < whole.length - 30) continue;
      const cut = n + 1;
      const rest = await outcomesOf(
        make(memoryAfter(whole.slice(0, cut)), { drift: nervous }),
        from(records.slice(cut)),
      );
      expect(rest).toEqual(whole.slice(cut));
    }
    expect([...phases].sort()).toEqual(['cooling without averages', 'following', 'following without averages']);
  });

  test('T35: the memory stays under its cap over 4,000 records with many alarms', async () => {
    const draw = vectors(8);
    const pool = Array.from({ length: 64 }, () => [draw(), draw(3)] as const);
    const records = Array.from({ length: 4000 }, (_, n) => {
      const [usual, shifted] = pool[(n * 7) % 64] ?? [draw(), draw()];
      return realAt(n % 50, Math.floor(n / 400) % 2 === 0 ? usual : shifted);
    });
    const outcomes = await outcomesOf(make(new Map(), { every: 1000, drift: nervous }), from(records));
    const memory = memoryAfter(outcomes);
    // a ring with notes; shape, bandwidth, regions, drift and its averages, `real/seen`, a test with its witness
    expect(memory.size).toBeLessThanOrEqual(2 * 24 + 8);
    const bytes = outcomes.map(({ changes = [] }) => JSON.stringify(changes).length);
    const usual = bytes.toSorted((a, b) => a - b)[Math.floor(0.9 * bytes.length)] ?? 0;
    // averages of 2 x 32 numbers and 2 squares, once in 24 records, and regions
    expect(usual).toBeLessThan(700);
    expect(Math.max(...bytes)).toBeLessThan(6000);
    expect(memory.get('drift')).toMatchObject({ alarms: expect.any(Number) });
    expect(JSON.stringify(memory.get('drift')).length).toBeLessThan(200);
  });

  test('other settings, and another test, begin anew and keep the count of alarms', async () => {
    const memory = memoryAfter(await outcomesOf(make(), from(stream(300, 1, (n) => (n < 254 ? 0 : 4)))));
    expect(memory.get('drift')).toMatchObject({ alarms: 1 });
    const first = async (drift: NewmaDrift | CalibratedDrift) => {
      const [outcome] = await outcomesOf(make(memory, { drift }), from(stream(1, 2)));
      return new Map(outcome?.changes).get('drift');
    };
    expect(await first({ ...drift, deviations: 4 })).toMatchObject({ phase: 'following', count: 1, alarms: 1 });
    // the averages of the old settings, which are still there, are not those of the new ones
    const records = stream(40, 2);
    const whole = await outcomesOf(make(memory, { drift: nervous }), from(records));
    const cut = new Map([...memory, ...memoryAfter(whole.slice(0, 30))]);
    expect(cut.get('drift/averages')).toEqual(memory.get('drift/averages'));
    expect(await outcomesOf(make(cut, { drift: nervous }), from(records.slice(30)))).toEqual(whole.slice(30));
    const calibrated: CalibratedDrift = { expectedRunTime: 100, window: 6, reference: 60 };
    expect(await first(calibrated)).toMatchObject({ phase: 'collecting', count: 1, alarms: 1 });
  });

  test('a damaged memory is refused', async () => {
    const memory = memoryAfter(await outcomesOf(make(), from(stream(140, 1))));
    const averages = memory.get('drift/averages');
    expect(averages).toMatchObject({ items: 96 });
    const refused = async (key: string, value: unknown) => {
      const damaged = new Map(memory).set(key, value);
      await expect(outcomesOf(make(damaged), from([]))).rejects.toMatchObject({ code: 'record-invalid' });
    };
    await refused('drift', 7);
    await refused('drift', { ...Object(memory.get('drift')), phase: 'resting' });
    await refused('drift/averages', undefined);
    await refused('drift/averages', { ...Object(averages), items: 200 });
    await refused('drift/averages', { ...Object(averages), quick: 'AAAA' });
    await refused('drift/averages', { ...Object(averages), squares: 7 });
  });

  test('windows and deviations that are out of range are refused', () => {
    const refused = (change: object, message: string) =>
      expect(() => make(new Map(), { drift: { ...drift, ...change } })).toThrow(message);
    refused({ window: 1 }, 'drift.window: expected an integer from 2, got 1');
    refused({ deviations: 0 }, 'drift.deviations: expected a number above 0, got 0');
    // the rolling window does not limit it
    expect(() => make(new Map(), { drift: { ...drift, window: 100 } })).not.toThrow();
  });
});
