import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { medianHeuristic } from '../../../../operators/kernels/mmd/median-heuristic.js';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import type { EmbeddedReal } from '../../../../operators/synalign/embedded-real.js';
import { fitted } from '../../../../operators/synalign/mmd/correction-details.js';
import { type RollingMmdOptions, rollingMmd } from '../../../../operators/synalign/mmd/rolling-mmd.js';
import { fromBase64 } from '../../../../schemas/codec.js';
import { type Correction, correctionSchema } from '../../../../schemas/correction.js';
import { recordId } from '../../../../schemas/ids.js';
import type { Sample } from '../../../../schemas/sample.js';
import { outcomesOf } from '../../flow/operator-contract.js';
import { dimensions, embedder, realAt, sampleAt, vectors } from '../drift-stream.js';

type In = EmbeddedReal | Sample;

const options = { window: 20, frequencies: 32, every: 5, seed: 5 };

async function correctionsOf(records: readonly In[], changes: Partial<RollingMmdOptions> = {}) {
  const operator = rollingMmd({ embedder, lane: 0, memory: new Map(), ...options, ...changes });
  const outcomes = await outcomesOf(operator, from(records));
  return outcomes.flatMap((outcome) => {
    if (outcome.kind !== 'emitted') return [];
    return outcome.outputs.filter((output): output is Correction => output.kind === 'correction');
  });
}

/** 20 real records of two labels, then 20 samples of other shares, with attributes, and with labels or without. */
function twoKinds(isLabelled = true) {
  const draw = vectors(1);
  const reals = Array.from({ length: 20 }, (_, n) =>
    realAt(n, draw(n % 2 === 0 ? 3 : -3), n % 2 === 0 ? 'ham' : 'spam'),
  );
  const samples = Array.from({ length: 20 }, (_, n) => {
    const isHam = n % 5 !== 0;
    const values = { tone: isHam ? 'calm' : 'loud', topic: `topic ${n}` };
    return sampleAt(n, draw(isHam ? 3 : -3), {
      ...(isLabelled ? { label: isHam ? 'ham' : 'spam' } : {}),
      attributes: { id: recordId('attributes', n), values, calls: [] },
    });
  });
  return { reals, samples, records: [...reals, ...samples] };
}

function isReal(record: In, id: string): boolean {
  return record.kind === 'embedded-real' && record.real.id === id;
}

describe('a correction', () => {
  test('carries the witness: mean features of the real window less those of the samples', async () => {
    const { reals, samples, records } = twoKinds();
    const last = (await correctionsOf(records)).at(-1);
    const witness = fromBase64(last?.witness ?? '');
    const bandwidth = medianHeuristic(stack(reals.map(({ embedding }) => embedding)));
    const features = randomFeatures({ dimensions, frequencies: 32, bandwidth, seed: 5 });
    const mean = (items: readonly In[]) => {
      const total = new Float64Array(64);
      const phi = new Float64Array(64);
      for (const { embedding = new Float32Array(dimensions) } of items) {
        features.map(embedding, phi);
        for (let i = 0; i < 64; i++) total[i] = (total[i] ?? 0) + (phi[i] ?? 0) / items.length;
      }
      return total;
    };
    const [ofReal, ofSamples] = [mean(reals), mean(samples)];
    expect(witness).toHaveLength(64);
    for (const [i, value] of witness.entries()) expect(value).toBeCloseTo((ofReal[i] ?? 0) - (ofSamples[i] ?? 0), 6);
    // |witness|^2 is the biased estimate, which lies above the unbiased one by about 2 / window
    const squared = witness.reduce((sum, value) => sum + value * value, 0);
    expect(squared).toBeGreaterThan(last?.mmd2 ?? 1);
    expect(squared).toBeLessThan((last?.mmd2 ?? 0) + 0.1);
    expect(correctionSchema.parse(last)).toEqual(last);
  });

  test('the witness over many frequencies is that over the first 512', async () => {
    const { records } = twoKinds();
    const many = (await correctionsOf(records, { frequencies: 600 })).at(-1);
    const few = (await correctionsOf(records, { frequencies: 512 })).at(-1);
    expect(many?.frequencies).toBe(600);
    const [a, b] = [fromBase64(many?.witness ?? ''), fromBase64(few?.witness ?? '')];
    expect(a).toHaveLength(1024);
    for (const [i, value] of b.entries()) expect(a[i]).toBeCloseTo(value, 6);
    expect(many?.regions?.map(({ witness }) => witness)).toEqual(few?.regions?.map(({ witness }) => witness));
  });

  test('says in words where the samples lack and where they are too many', async () => {
    const { records } = twoKinds();
    const last = (await correctionsOf(records)).at(-1);
    expect(last?.labels).toEqual({ ham: { real: 0.5, synthetic: 0.8 }, spam: { real: 0.5, synthetic: 0.2 } });
    const regions = last?.regions ?? [];
    expect(regions.length).toBeGreaterThan(1);
    expect(regions.length).toBeLessThanOrEqual(16);
    expect(regions.reduce((sum, { real }) => sum + real, 0)).toBeCloseTo(1, 4);
    expect(regions.reduce((sum, { synthetic }) => sum + synthetic, 0)).toBeCloseTo(1, 4);
    const gaps = regions.map(({ real, synthetic }) => Math.abs(real - synthetic));
    expect(gaps).toEqual(gaps.toSorted((a, b) => b - a));
    const witnessOf = (label: string) => {
      const found = regions.filter((region) => region.label === label);
      return found.reduce((sum, { witness }) => sum + witness, 0) / found.length;
    };
    expect(witnessOf('spam')).toBeGreaterThan(0.05);
    expect(witnessOf('ham')).toBeLessThan(-0.05);
    expect(regions[0]?.text).toMatch(/^It is \d+\. What is \d+\?$/);
    // only values of four samples or more
    expect(last?.attributes).toHaveLength(2);
    // all samples of a label have the same tone: it says no more than the label
    expect(last?.attributes).toMatchObject([
      { label: 'ham', name: 'tone', value: 'calm', count: 16, witness: 0 },
      { label: 'spam', name: 'tone', value: 'loud', count: 4, witness: 0 },
    ]);
    const unlabelled = (await correctionsOf(twoKinds(false).records)).at(-1)?.attributes;
    const tone = (value: string) => unlabelled?.find((found) => found.name === 'tone' && found.value === value);
    expect([tone('loud')?.count, tone('calm')?.count]).toEqual([4, 16]);
    expect(tone('loud')?.witness).toBeGreaterThan(2 * (tone('loud')?.error ?? 0));
    expect(tone('calm')?.witness).toBeLessThan(0);
  });

  test('the text of an exemplar is that of the domain, in one line of 120 characters at most', async () => {
    const draw = vectors(2);
    const reals = Array.from({ length: 20 }, (_, n) => realAt(n, draw()));
    const long = reals.map((real) => ({
      ...real,
      real: { ...real.real, fields: { b: 'second', a: '\u{1f600} '.repeat(400) } },
    }));
    // after white space is joined, the first 480 units are the whole line
    const cut = reals.map((real) => ({
      ...real,
      real: { ...real.real, fields: { a: `x${' '.repeat(478)}\u{1f600}` } },
    }));
    const [spaced] = await correctionsOf([...cut, ...Array.from({ length: 10 }, (_, n) => sampleAt(n, draw()))]);
    for (const { text } of spaced?.regions ?? []) expect(text).toBe('x');
    const samples = Array.from({ length: 10 }, (_, n) => sampleAt(n, draw()));
    const field = { minLength: 1, maxLength: 1000 };
    const [last] = await correctionsOf([...long, ...samples], { domain: { fields: { b: field, a: field } } });
    for (const { text } of last?.regions ?? []) {
      expect(text).toMatch(/^second /);
      expect([...text]).toHaveLength(120);
      expect(text).not.toMatch(/\p{Cs}/u);
    }
  });

  test('is at most 16 KB, whatever the texts: the last entries are left out', () => {
    const region = {
      exemplar: recordId('real', 1),
      text: '漢'.repeat(120),
      real: 0.1,
      synthetic: 0.2,
      witness: 0.123456,
    };
    const attribute = { name: '漢'.repeat(60), value: '字'.repeat(60), count: 4, witness: 0.1 };
    const labels = Object.fromEntries(
      Array.from({ length: 32 }, (_, n) => [`${n} ${'漢'.repeat(60)}`, { real: 0, synthetic: 0 }]),
    );
    const large: Correction = {
      kind: 'correction',
      id: recordId('correction', 0, 1),
      lane: 0,
      accepted: 1,
      mmd2: 0.1,
      bandwidth: 1,
      frequencies: 512,
      embedder: 'test',
      synthetic: { size: 1, firstOrdinal: 0, lastOrdinal: 0 },
      real: { size: 1, seen: 1 },
      witness: 'A'.repeat(5464),
      regions: Array.from({ length: 16 }, (_, n) => ({ ...region, witness: n })),
      attributes: Array.from({ length: 16 }, (_, n) => ({ ...attribute, count: n })),
      labels,
      at: 0,
    };
    const small = fitted(large);
    expect(Buffer.byteLength(JSON.stringify(small))).toBeLessThanOrEqual(16 * 1024);
    expect(Buffer.byteLength(JSON.stringify(small))).toBeGreaterThan(15 * 1024);
    expect(small.regions?.[0]?.witness).toBe(0);
    expect(small.witness).toBe(large.witness);
    const { regions: _, attributes: __, labels: ___, ...short } = large;
    expect(fitted(short)).toBe(short);
  });

  test('labels go by the smallest difference, also where they are numbers', () => {
    const labels = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`${n}`, { real: n / 1000, synthetic: 0.123456789 }]),
    );
    const large: Correction = {
      kind: 'correction',
      id: recordId('correction', 0, 1),
      lane: 0,
      accepted: 1,
      mmd2: 0.1,
      bandwidth: 1,
      frequencies: 512,
      embedder: 'test',
      synthetic: { size: 1, firstOrdinal: 0, lastOrdinal: 0 },
      real: { size: 1, seen: 1 },
      witness: 'A'.repeat(5464),
      labels,
      at: 0,
    };
    const kept = Object.keys(fitted(large).labels ?? {});
    expect(kept.length).toBeLessThan(290);
    expect(kept).toContain('0');
    expect(kept).toContain('299');
    expect(kept).not.toContain('123');
  });

  test('without the test for drift, exemplars are of the newest full window', async () => {
    const draw = vectors(4);
    const records = Array.from({ length: 90 }, (_, n) => [realAt(n, draw()), sampleAt(n, draw())]).flat();
    const all = await correctionsOf(records);
    const oldest = all.map(({ real, regions = [] }) => [
      real.seen,
      Math.min(...regions.map(({ exemplar }) => records.findIndex((one) => isReal(one, exemplar)) / 2)),
    ]);
    expect(oldest.length).toBeGreaterThan(10);
    for (const [seen = 0, least = 0] of oldest) {
      const chosen = Math.floor(seen / 20) * 20;
      expect(least).toBeGreaterThanOrEqual(chosen - 20);
      expect(least).toBeLessThan(chosen);
    }
  });

  test('samples without labels and attributes, and real records without labels, have no such lists', async () => {
    const draw = vectors(3);
    const records = [
      ...Array.from({ length: 20 }, (_, n) => realAt(n, draw())),
      ...Array.from({ length: 10 }, (_, n) => sampleAt(n, draw())),
    ];
    for (const correction of await correctionsOf(records)) {
      expect(correction.labels).toBe(undefined);
      expect(correction.attributes).toBe(undefined);
      expect(correction.drift).toBe(undefined);
      expect(correction.reference).toBe(0);
    }
  });

  test('a label on one side alone has a share of 0 on the other', async () => {
    const draw = vectors(3);
    const records = [
      ...Array.from({ length: 20 }, (_, n) => realAt(n, draw(), 'ham')),
      ...Array.from({ length: 10 }, (_, n) => sampleAt(n, draw(), { label: 'eggs' })),
    ];
    const [first] = await correctionsOf(records);
    expect(first?.labels).toEqual({ ham: { real: 1, synthetic: 0 }, eggs: { real: 0, synthetic: 1 } });
  });
});

test('an attribute that has nothing to do with what is missing is neither too little nor too much', async () => {
  const random = randomFrom(31);
  const draw = vectors(3);
  const records: In[] = Array.from({ length: 64 }, (_, n) => realAt(n, draw(n % 2 === 0 ? 3 : -3)));
  const tones = ['calm', 'loud', 'dry', 'warm'];
  for (let n = 0; n < 64; n++) {
    // nearly all samples are of one kind, whatever their tone
    const attributes = { id: recordId('attributes', n), values: { tone: tones[random.below(4)] ?? '' }, calls: [] };
    records.push(sampleAt(n, draw(n % 8 === 0 ? -3 : 3), { attributes }));
  }
  const last = (await correctionsOf(records, { window: 64 })).at(-1);
  expect(last?.mmd2).toBeGreaterThan(0.05);
  expect(last?.attributes).toHaveLength(4);
  const sums = last?.attributes?.reduce((sum, { witness, count }) => sum + witness * count, 0);
  expect(sums).toBeCloseTo(0, 4);
  const sure = last?.attributes?.filter(({ witness, error = 0 }) => Math.abs(witness) > 2.5 * error);
  expect(sure).toEqual([]);
});
