import { describe, expect, test } from 'vitest';

import { randomFrom } from '../../../../operators/kernels/random.js';
import type { Candidate } from '../../../../operators/synalign/explore/candidate.js';
import { UncertaintyTracker } from '../../../../operators/synalign/explore/uncertainty-tracker.js';
import { recordId } from '../../../../schemas/ids.js';
import type { Example } from '../../../../schemas/plan.js';
import { unit } from '../hashing-embedder.js';

const dimensions = 8;

function tracker(settings: { inducing?: number; candidates?: number; halfLife?: number } = {}): UncertaintyTracker {
  const all = { inducing: 16, candidates: 40, halfLife: 1e9, ...settings };
  return new UncertaintyTracker({ dimensions, settings: all, seed: 3, memory: new Map() });
}

function shown(n: number): Example {
  return { id: `${n}`, fields: { text: `text ${n}` }, vary: {}, from: 'real' };
}

function near(axis: number, random: ReturnType<typeof randomFrom>, spread = 0.1): Float32Array {
  return unit(Float32Array.from({ length: dimensions }, (_, i) => (i === axis ? 1 : 0) + spread * random.gaussian()));
}

function axisOf({ embedding }: Candidate): number {
  return embedding.indexOf(Math.max(...embedding));
}

function mostUncertain(stream: UncertaintyTracker): Candidate {
  const [first, ...others] = stream.candidates;
  if (first === undefined) throw new Error('no candidates');
  return others.reduce(
    (most, one) => (stream.process.varianceOf(one) > stream.process.varianceOf(most) ? one : most),
    first,
  );
}

function counted({ candidates }: UncertaintyTracker): readonly number[] {
  const counts = new Array<number>(dimensions).fill(0);
  for (const candidate of candidates) counts[axisOf(candidate)] = (counts[axisOf(candidate)] ?? 0) + 1;
  return counts;
}

describe('UncertaintyTracker', () => {
  test('what is known at an isolated pick halves with each half-life', () => {
    const fading = tracker({ halfLife: 10 });
    fading.useLengthScale(0.5);
    fading.add(shown(0), near(0, randomFrom(1), 0));
    const [only] = fading.candidates;
    if (only === undefined) throw new Error('no candidate');
    expect(fading.process.varianceOf(only)).toBe(1);
    fading.explore(only);
    expect(fading.process.varianceOf(only)).toBeCloseTo(1e-6, 8);
    for (const known of [0.5, 0.25, 0.125]) {
      fading.reopen(0);
      expect(fading.process.varianceOf(only)).toBeCloseTo(1 - known, 5);
    }
  });

  test('restored before there is a length scale, the same records become candidates', () => {
    const settings = { inducing: 8, candidates: 16, halfLife: 8 };
    const run = (cut: number) => {
      const random = randomFrom(9);
      const memory = new Map<string, unknown>();
      let stream = new UncertaintyTracker({ dimensions, settings, seed: 3, memory });
      for (let n = 0; n < 256; n++) {
        if (n === cut) stream = new UncertaintyTracker({ dimensions, settings, seed: 3, memory: new Map(memory) });
        // as a store would: what is remembered has been JSON
        for (const [key, value] of stream.add({ ...shown(n), id: recordId('real', n) }, near(n % 3, random)))
          memory.set(key, JSON.parse(JSON.stringify(value)));
      }
      return stream.candidates.map(({ example }) => example.id);
    };
    const whole = run(-1);
    for (let cut = 1; cut < 256; cut++) expect(run(cut)).toEqual(whole);
  });

  test('a rare region keeps candidates, and one that the stream has left loses most of them', () => {
    const random = randomFrom(2);
    const stream = tracker();
    stream.useLengthScale(0.7);
    let n = 0;
    const come = (axis: number) => stream.add(shown(n++), near(axis, random));
    for (let i = 0; i < 40; i++) come([0, 1, 2][i % 3] ?? 0);
    for (let picks = 0; picks < 3; picks++) stream.explore(mostUncertain(stream));
    for (let i = 0; i < 4000; i++) come(i % 20 === 0 ? 1 : i % 2 === 0 ? 0 : 2);
    const before = counted(stream);
    // its share by numbers would be 2 of 40
    expect(before[1]).toBeGreaterThanOrEqual(4);
    expect(before[0]).toBeGreaterThan(before[1] ?? 0);
    for (let i = 0; i < 12_000; i++) come(i % 20 === 0 ? 1 : 0);
    const after = counted(stream);
    expect(after[2] ?? 0).toBeLessThan((before[2] ?? 0) / 2);
    expect(after[1]).toBeGreaterThanOrEqual(4);
  });

  test('a record of a region that nobody has seen comes in at once', () => {
    const random = randomFrom(4);
    const stream = tracker();
    stream.useLengthScale(0.7);
    for (let n = 0; n < 2000; n++) stream.add(shown(n), near(n % 2, random));
    for (let picks = 0; picks < 4; picks++) stream.explore(mostUncertain(stream));
    stream.add(shown(9000), near(5, random));
    expect(stream.candidates.some(({ example }) => example.id === '9000')).toBe(true);
    expect(mostUncertain(stream).example.id).toBe('9000');
  });

  test('candidates are of the newest records too, and an exact copy takes no place of another', () => {
    const random = randomFrom(5);
    const stream = tracker();
    stream.useLengthScale(0.7);
    const copy = near(0, random);
    for (let n = 0; n < 60; n++) stream.add(shown(n), near(n % 3, random));
    for (let n = 60; n < 6000; n++) stream.add(shown(n), n % 2 === 0 ? copy : near(n % 3, random));
    const ages = stream.candidates.map(({ example }) => Number(example.id)).sort((a, b) => a - b);
    expect(ages[0]).toBeGreaterThan(3000);
    expect(stream.candidates.filter(({ embedding }) => embedding.every((value, i) => value === copy[i])).length).toBe(
      1,
    );
    expect(stream.candidates).toHaveLength(40);
  });

  test('a full inducing set loses its old copies first', () => {
    const random = randomFrom(6);
    const full = tracker({ inducing: 16, halfLife: 200 });
    full.useLengthScale(0.7);
    const vectors = Array.from({ length: 6 }, (_, axis) => near(axis, random));
    for (const [n, vector] of vectors.entries()) full.add(shown(n), vector);
    const last = full.candidates[5];
    const twice = full.candidates[0];
    if (last === undefined || twice === undefined) throw new Error('no candidates');
    full.explore(last);
    for (let picks = 0; picks < 30; picks++) {
      full.explore(twice);
      expect(full.explored).toBeLessThanOrEqual(16);
    }
    // the one pick elsewhere is older than all of them, and still known
    expect(full.process.varianceOf(last)).toBeLessThan(0.2);
  });
});
