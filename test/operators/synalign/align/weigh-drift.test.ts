import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { chain } from '../../../../operators/flow/chain.js';
import type { Outcome } from '../../../../operators/flow/outcome.js';
import { scoped } from '../../../../operators/flow/scoped.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { weigh, weighReport } from '../../../../operators/synalign/align/weigh.js';
import type { EmbeddedReal } from '../../../../operators/synalign/embedded-real.js';
import type { EmbeddedRefined } from '../../../../operators/synalign/embedded-refined.js';
import { rollingMmd } from '../../../../operators/synalign/mmd/rolling-mmd.js';
import { sampled } from '../../../../operators/synalign/sampled.js';
import type { AnyRecord } from '../../../../schemas/codec.js';
import { alignStep } from '../../../../schemas/steps/synalign.js';
import { memoryAfter, outcomesOf } from '../../flow/operator-contract.js';
import { realRecord, refinedRecord } from '../../flow/records.js';
import { unit } from '../hashing-embedder.js';

const dimensions = 8;
const embedder = { id: 'test/vectors@8', dimensions };
const before = 300;
const after = 200;

type Flowing = AnyRecord | EmbeddedReal;

/** Real records near the first axis, then near the second; between these, texts of both kinds in turns. */
function turning(): readonly Flowing[] {
  const random = randomFrom(5);
  const near = (axis: number) => {
    const noise = Float32Array.from({ length: dimensions }, () => 0.2 * random.gaussian());
    return unit(noise.map((value, i) => value + (i === axis ? 1 : 0)));
  };
  const reals = (count: number, axis: number, start: number) =>
    Array.from({ length: count }, (_, n): EmbeddedReal => {
      return { kind: 'embedded-real', real: realRecord(start + n), embedding: near(axis) };
    });
  return [
    ...reals(before, 0, 0),
    ...reals(after, 1, before).flatMap((real, n): readonly Flowing[] => {
      const text: EmbeddedRefined = { ...refinedRecord(n), embedding: near(n % 2) };
      return [real, text];
    }),
  ];
}

/** The part of a river that weighs and watches. */
function aligned(isHeeded: boolean, memory: ReadonlyMap<string, unknown> = new Map()) {
  const drift = { alarms: 0, window: 32 };
  const settings = alignStep.parse({ buffer: 64, every: 16 });
  return chain(
    scoped('weigh', memory, (own) =>
      weigh({
        embedder,
        domain: {},
        memory: own,
        seed: 5,
        settings,
        frequencies: 64,
        ...(isHeeded ? { drift } : {}),
      }),
    ),
    sampled(),
    scoped('mmd', memory, (own) =>
      rollingMmd({
        embedder,
        lane: 0,
        memory: own,
        seed: 5,
        window: 128,
        frequencies: 64,
        drift: { expectedRunTime: 400, window: 32, reference: 128 },
        alarmed: (alarms) => {
          drift.alarms = alarms;
        },
      }),
    ),
  );
}

function weightIn(out: unknown): readonly number[] {
  const { kind, weight = 1 } = Object(out) as { readonly kind?: string; readonly weight?: number };
  return kind === 'sample' ? [weight] : [];
}

/** Of the weight of the samples from a number on, the share that those of the first kind have. */
function oldShare(outcomes: readonly Outcome<Flowing, unknown>[], first: number): number {
  const weights = outcomes.flatMap((outcome) =>
    outcome.kind === 'emitted' ? outcome.outputs.flatMap((out) => weightIn(out)) : [],
  );
  const sums = [0, 0];
  for (const [n, weight] of weights.entries()) if (n >= first) sums[n % 2] = (sums[n % 2] ?? 0) + weight;
  return (sums[0] ?? 0) / ((sums[0] ?? 0) + (sums[1] ?? 0));
}

describe('a real stream that turns', () => {
  test('takes the weights with it as soon as the alarm is raised', async () => {
    const records = turning();
    const heeded = await outcomesOf(aligned(true), from(records));
    const unheeded = await outcomesOf(aligned(false), from(records));
    expect(oldShare(unheeded, 60)).toBeGreaterThan(0.4);
    expect(oldShare(heeded, 60)).toBeLessThan(0.25);
    const weighMemory = (all: typeof heeded) =>
      new Map(
        [...memoryAfter(all)].flatMap(([key, value]) => (key.startsWith('weigh/') ? [[key.slice(6), value]] : [])),
      );
    expect(weighReport(weighMemory(unheeded), {})[0]?.real).toBe(before + after);
    const [report] = weighReport(weighMemory(heeded), {});
    expect(report?.real).toBeGreaterThan(after);
    expect(report?.real).toBeLessThan(after + 32);
  });

  test('T34: a restart at any point near the alarm changes no bit', async () => {
    const records = turning();
    const whole = await outcomesOf(aligned(true), from(records));
    for (let cut = before; cut <= before + 80; cut += 8) {
      const rest = await outcomesOf(
        aligned(true, memoryAfter(whole.slice(0, cut))),
        from(records.slice(cut, cut + 60)),
      );
      expect(rest).toEqual(whole.slice(cut, cut + 60));
    }
  });
});
