import { expect, test } from 'vitest';

import { Demand } from '../../../../operators/synalign/explore/demand.js';
import { fromBase64, toBase64 } from '../../../../schemas/codec.js';
import type { Correction } from '../../../../schemas/correction.js';

const [frequencies, window] = [16, 512];
const embedder = { id: 'test/vectors@4', dimensions: 4 };

function demand(): Demand {
  const steer = { strength: 1, bound: 100 };
  return new Demand({ memory: new Map(), embedder, lane: 0, seed: 1, steer, frequencies });
}

function correctionAt(accepted: number, value: number): Correction {
  return {
    kind: 'correction',
    id: 'c1',
    lane: 0,
    accepted,
    mmd2: 0.1,
    bandwidth: 1,
    frequencies,
    embedder: embedder.id,
    synthetic: { size: Math.min(accepted, window), firstOrdinal: 0, lastOrdinal: accepted },
    real: { size: window, seen: window },
    witness: toBase64(new Float32Array(2 * frequencies).fill(value)),
    at: 0,
  };
}

/** What the integral has taken in. */
function integralOf(changes: ReturnType<Demand['take']>): number {
  const [[, stored] = []] = changes;
  const { integral } = stored as { readonly integral: string };
  return fromBase64(integral)[0] ?? Number.NaN;
}

test('the integral counts each window once, and none before the first is full', () => {
  const steered = demand();
  const windows = new Map<number, number>();
  for (let accepted = 8; accepted <= 3 * window; accepted += 8) {
    windows.set(accepted, integralOf(steered.take(correctionAt(accepted, 0.01))) / 0.01);
  }
  expect(windows.get(8)).toBe(0);
  expect(windows.get(window)).toBe(0);
  // half is forgotten in 32 windows
  expect(windows.get(2 * window)).toBeCloseTo(1, 1);
  expect(windows.get(3 * window)).toBeCloseTo(2, 1);
});

test('a witness comes into the integral when the next one takes its place', () => {
  const steered = demand();
  expect(integralOf(steered.take(correctionAt(2 * window, 0.02)))).toBe(0);
  expect(integralOf(steered.take(correctionAt(2 * window + window / 2, -0.05)))).toBeCloseTo(0.01, 6);
});
