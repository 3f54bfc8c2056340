import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { Calibration } from '../../../../operators/kernels/sequential/calibrated-thresholds.js';
import type { EmbeddedReal } from '../../../../operators/synalign/embedded-real.js';
import { CalibratedWatch } from '../../../../operators/synalign/mmd/calibrated-watch.js';
import type { CalibratedDrift } from '../../../../operators/synalign/mmd/drift-options.js';
import { EmbeddingWindow } from '../../../../operators/synalign/mmd/embedding-window.js';
import { type RollingMmdOptions, rollingMmd } from '../../../../operators/synalign/mmd/rolling-mmd.js';
import type { Correction } from '../../../../schemas/correction.js';
import { recordId } from '../../../../schemas/ids.js';
import type { Sample } from '../../../../schemas/sample.js';
import { memoryAfter, operatorContract, outcomesOf } from '../../flow/operator-contract.js';
import { embedder, realAt, sampleAt, vectors } from '../drift-stream.js';

type In = EmbeddedReal | Sample;

const drift: CalibratedDrift = { expectedRunTime: 150, window: 6, reference: 60 };
/** With many alarms, so that all phases come up. */
const nervous: CalibratedDrift = { expectedRunTime: 12, window: 3, reference: 24 };

function make(memory: ReadonlyMap<string, unknown> = new Map(), options: Partial<RollingMmdOptions> = {}) {
  const sizes = { window: 24, frequencies: 16, every: 4, drift };
  return rollingMmd({ embedder, lane: 0, memory, seed: 5, ...sizes, ...options });
}

/** Real records and samples by turns, with labels and attributes; `shiftAt` moves the real ones from then on. */
function stream(pairs: number, seed: number, shiftAt = Number.POSITIVE_INFINITY): readonly In[] {
  const draw = vectors(seed);
  return Array.from({ length: pairs }, (_, n) => {
    const label = n % 3 === 0 ? 'ham' : 'spam';
    // three samples of four have attributes, two of them the same
    const attributes = {
      id: recordId('attributes', Math.floor(n / 2)),
      values: { tone: `${n % 3}`, topic: `${n % 5}` },
      calls: [],
    };
    return [
      realAt(n, draw(n >= shiftAt ? 3 : 0), label),
      sampleAt(n, draw(), n % 4 === 0 ? {} : { label, attributes }),
    ];
  }).flat();
}

async function correctionsOf(records: readonly In[], options: Partial<RollingMmdOptions> = {}) {
  const outcomes = await outcomesOf(make(new Map(), options), from(records));
  return outcomes.flatMap((outcome) => {
    if (outcome.kind !== 'emitted') return [];
    return outcome.outputs.filter((output): output is Correction => output.kind === 'correction');
  });
}

describe('the drift of the real stream', () => {
  operatorContract({
    make: (memory) => make(memory, { drift: nervous }),
    inputs: fc.tuple(fc.nat(90), fc.nat(9)).map(([pairs, seed]) => stream(pairs, seed, 60)),
    runs: 25,
  });

  test('T36: a drift raises an alarm within the calibrated delay, and the reference is taken anew', async () => {
    const switched = 160;
    const all = await correctionsOf(stream(500, 1, switched));
    const before = all.filter(({ real }) => real.seen <= switched);
    expect(before.every(({ reference, drift }) => reference === 0 && drift?.alarms === 0)).toBe(true);
    const alarm = all.find(({ reference }) => reference === 1);
    if (alarm === undefined) throw new Error('there was no alarm');
    // two windows; the sample after the real record brings the correction
    expect(alarm.real.seen - switched).toBeLessThanOrEqual(12);
    expect(alarm.drift?.threshold).toBeNull();
    // cooling, collecting, calibrating, and testing again, against records of the new kind
    const after = all.filter(({ real }) => real.seen > alarm.real.seen);
    const again = after.find(({ drift }) => drift?.threshold !== null);
    expect(again?.real.seen).toBeGreaterThan(alarm.real.seen + drift.window + drift.reference);
    expect(after.at(-1)?.drift).toMatchObject({ expectedRunTime: 150 });
    expect(after.at(-1)?.drift?.alarms).toBeLessThanOrEqual(3);
    expect(after.at(-1)?.bandwidth).toBe(before[0]?.bandwidth);
  });

  test('T36: a stream that stays is left alone about as long as was asked', async () => {
    const settings = { expectedRunTime: 30, window: 5, reference: 60 };
    let [alarms, tested] = [0, 0];
    for (let seed = 10; seed < 16; seed++) {
      const all = await correctionsOf(stream(500, seed), { every: 1, drift: settings });
      alarms += all.at(-1)?.reference ?? 0;
      tested += all.filter(({ drift }) => drift?.threshold !== null).length;
    }
    // about 1,400 tests and 45 alarms; each reference of 60 has a rate of its own
    expect(tested).toBeGreaterThan(700);
    expect(alarms / (tested / 30)).toBeGreaterThan(0.5);
    expect(alarms / (tested / 30)).toBeLessThan(2);
  });

  test('the correction after an alarm comes with the next sample, whatever its number', async () => {
    const all = await correctionsOf(stream(300, 1, 160), { every: 50 });
    const alarm = all.find(({ reference }) => reference === 1);
    expect(alarm?.accepted).not.toBe(undefined);
    expect((alarm?.accepted ?? 0) % 50).not.toBe(0);
  });

  test('T34: a restart in any phase changes no bit', async () => {
    const records = stream(200, 3, 120);
    const whole = await outcomesOf(make(new Map(), { drift: nervous }), from(records));
    const cuts = new Map<string, number[]>();
    const memory = new Map<string, unknown>();
    for (const [n, { changes = [] }] of whole.entries()) {
      for (const [key, value] of changes) memory.set(key, value);
      const state = memory.get('drift');
      if (typeof state !== 'object' || state === null || !('phase' in state)) continue;
      cuts.set(`${state.phase}`, [...(cuts.get(`${state.phase}`) ?? []), n + 1]);
    }
    expect([...cuts.keys()].sort()).toEqual(['calibrating', 'collecting', 'cooling', 'testing']);
    for (const phase of cuts.values()) {
      for (let i = 0; i < 6; i++) {
        const cut = phase[Math.floor(((phase.length - 1) * i) / 5)] ?? 0;
        const rest = await outcomesOf(
          make(memoryAfter(whole.slice(0, cut)), { drift: nervous }),
          from(records.slice(cut)),
        );
        expect(rest).toEqual(whole.slice(cut));
      }
    }
  });

  test('T35: the memory stays under its cap over 10,000 records with many references', async () => {
    const draw = vectors(8);
    const pool = Array.from({ length: 64 }, () => [draw(), draw(3)] as const);
    const memory = new Map<string, unknown>();
    let sizes = 0;
    const operator = make(new Map(), { every: 1000, drift: nervous });
    const records = Array.from({ length: 10_000 }, (_, n) => {
      const [usual, shifted] = pool[(n * 7) % 64] ?? [draw(), draw()];
      return realAt(n % 50, Math.floor(n / 400) % 2 === 0 ? usual : shifted);
    });
    let largest = 0;
    await new Promise<void>((resolve, reject) => {
      from(records)
        .pipe(operator)
        .subscribe({
          next: ({ changes = [] }) => {
            const bytes = JSON.stringify(changes).length;
            // the regions are written once a reference
            if (bytes > largest && !changes.some(([key]) => key === 'regions')) largest = bytes;
            for (const [key, value] of changes) memory.set(key, value);
            sizes = Math.max(sizes, memory.size);
          },
          error: reject,
          complete: resolve,
        });
    });
    // a ring with notes; 24 of a reference; shape, bandwidth, regions, drift, its thresholds, `real/seen`, a test with its witness
    expect(sizes).toBe(2 * 24 + 24 + 8);
    expect(largest).toBeLessThan(1000);
    const { alarms } = z.object({ alarms: z.number() }).parse(memory.get('drift'));
    expect(alarms).toBeGreaterThan(50);
  });

  test('of a long reference a uniform sample stays', async () => {
    const draw = vectors(4);
    const long = { expectedRunTime: 20, window: 2, reference: 3000 };
    const records = Array.from({ length: 3000 }, (_, n) => realAt(n, draw()));
    const memory = memoryAfter(await outcomesOf(make(new Map(), { drift: long }), from(records)));
    const kept = [...memory.keys()].filter((key) => key.startsWith('drift/reference/'));
    expect(kept).toHaveLength(2048);
    expect(memory.get('drift')).toMatchObject({ phase: 'calibrating', count: 0 });
  });

  test('records that are all alike are no drift, and copies are borne', async () => {
    const same = Float32Array.of(0, 1, 0, 0, 0, 0);
    const records = Array.from({ length: 150 }, (_, n) => [realAt(n, same), sampleAt(n, same)]).flat();
    const all = await correctionsOf(records);
    const last = all.at(-1);
    expect(last).toMatchObject({ reference: 0, drift: { alarms: 0 } });
    for (const value of [last?.mmd2, last?.drift?.statistic]) expect(value).toBeCloseTo(0, 10);
    expect(all.at(-1)?.regions).toHaveLength(1);
  });

  test('a restart amid a calibration repeats few steps a record, and tests from the same record on', async () => {
    const long = { expectedRunTime: 400, window: 32, reference: 128 };
    const draw = vectors(7);
    const real = new EmbeddingWindow({ name: 'real', capacity: 40, dimensions: 6, memory: new Map() });
    const features = randomFeatures({ dimensions: 6, frequencies: 8, bandwidth: 1, seed: 5 });
    real.useFeatures(features);
    const memory = new Map<string, unknown>();
    const started = (held: Map<string, unknown>) => {
      const watch = new CalibratedWatch({ drift: long, real, dimensions: 6, frequencies: 8, seed: 5, memory: held });
      watch.useFeatures(features);
      return watch;
    };
    const whole = started(new Map());
    const steps = vi.spyOn(Calibration.prototype, 'step');
    let cut: CalibratedWatch | undefined;
    for (let n = 0; n < 128 + 50; n++) {
      real.push(draw());
      const { changes } = whole.arrived();
      if (n < 128 + 12) for (const [key, value] of changes) memory.set(key, JSON.parse(JSON.stringify(value)));
      if (n < 128 + 12) continue;
      steps.mockClear();
      cut ??= started(memory);
      expect(steps).not.toHaveBeenCalled();
      expect(cut.arrived().changes).toEqual(changes);
      expect(steps.mock.calls.length).toBeLessThanOrEqual(5);
    }
    steps.mockRestore();
    expect(cut?.report()).toEqual(whole.report());
    expect(whole.report().alarms + whole.report().tested).toBeGreaterThan(0);
  });

  test('other settings begin a new reference, and keep the count of alarms', async () => {
    const memory = memoryAfter(await outcomesOf(make(), from(stream(250, 1, 160))));
    expect(memory.get('drift')).toMatchObject({ alarms: 1 });
    const other = { ...drift, expectedRunTime: 300 };
    const [outcome] = await outcomesOf(make(memory, { drift: other }), from(stream(1, 2)));
    expect(new Map(outcome?.changes).get('drift')).toMatchObject({ phase: 'collecting', count: 1, alarms: 1 });
  });

  test('a damaged memory is refused', async () => {
    const memory = memoryAfter(await outcomesOf(make(), from(stream(140, 1))));
    expect(memory.get('drift')).toMatchObject({ phase: 'testing' });
    for (const key of ['drift/thresholds', 'drift/reference/7', 'equality/witness']) {
      const damaged = new Map(memory);
      damaged.delete(key);
      await expect(outcomesOf(make(damaged), from([]))).rejects.toMatchObject({ code: 'record-invalid' });
    }
    for (const key of ['drift', 'regions', 'about-real/3', 'equality']) {
      const damaged = new Map(memory).set(key, 7);
      await expect(outcomesOf(make(damaged), from([]))).rejects.toMatchObject({ code: 'record-invalid' });
    }
  });
});
