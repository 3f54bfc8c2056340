import { expect, test } from 'vitest';

import { correctionLines } from '../../../cli/run/correction-text.js';
import { synalignLines } from '../../../cli/run/synalign-text.js';
import { type Correction, correctionSchema } from '../../../schemas/correction.js';

const id = (digit: string) => digit.repeat(32);

const correction: Correction = correctionSchema.parse({
  kind: 'correction',
  id: id('a'),
  lane: 0,
  accepted: 64,
  mmd2: 0.02,
  bandwidth: 0.7,
  frequencies: 512,
  embedder: 'static',
  synthetic: { size: 64, firstOrdinal: 0, lastOrdinal: 70 },
  real: { size: 512, seen: 900 },
  reference: 2,
  regions: [
    { exemplar: id('b'), text: 'Room change\nfor "all"', label: 'ham', real: 0.12, synthetic: 0.031, witness: 0.1 },
    { exemplar: id('c'), text: 'Your loan', real: 0.04, synthetic: 0.156, witness: -0.1 },
    { exemplar: id('d'), text: 'A second one', real: 0.1, synthetic: 0.05, witness: 0.05 },
  ],
  labels: { ham: { real: 0.752, synthetic: 0.703 } },
  attributes: [
    { name: 'tone', value: 'technical', count: 12, witness: 0.2 },
    { name: 'tone', value: 'urgent', count: 31, witness: -0.3 },
  ],
  drift: { statistic: 0.0031, threshold: 0.0118, expectedRunTime: 10_000, tested: 2477, alarms: 2 },
  equality: { logWealth: Math.log(412), pairs: 128, alpha: 0.05, rejected: true },
  at: 1,
});

test('a correction is told in words', () => {
  expect(correctionLines(correction)).toEqual([
    ['too little', '"Room change for \\"all\\"" (ham): 12.0 % of the real records, 3.1 % of the samples'],
    ['too little', '"A second one": 10.0 % of the real records, 5.0 % of the samples'],
    ['too much', '"Your loan": 4.0 % of the real records, 15.6 % of the samples'],
    ['attributes', 'too little tone technical (12); too much tone urgent (31)'],
    ['labels', 'ham 75.2 % real, 70.3 % written'],
    ['drift', '0.0031, alarm above 0.0118; 2 alarms, reference 2, 2477 real records tested (one false alarm in 10000)'],
    ['equality', 'samples differ from real records (wealth 412 of 20 over 128 pairs)'],
  ]);
  expect(correctionLines(correction, 1).filter(([title]) => title === 'too little')).toHaveLength(1);
});

test('one that knows the distance alone says nothing more', () => {
  const { regions: _r, labels: _l, attributes: _a, drift: _d, equality: _e, ...bare } = correction;
  expect(correctionLines(bare)).toEqual([]);
  const untested = { ...bare, equality: { ...correction.equality, pairs: 0 } } as Correction;
  expect(correctionLines(untested)).toEqual([['equality', 'not tested yet']]);
  const calibrated = { ...bare, drift: { ...correction.drift, threshold: null, alarms: 0 } } as Correction;
  expect(correctionLines(calibrated)[0]?.[1]).toContain('being calibrated, or cooling down; no alarm');
  const newma = { ...bare, drift: { ...correction.drift, threshold: null, expectedRunTime: null } } as Correction;
  expect(correctionLines(newma)[0]?.[1]).toBe(
    'being learned, or cooling down; 2 alarms, reference 2, 2477 real records tested (no rate of false alarms is promised)',
  );
});

test('how many plans became samples is told from the first that ended on', () => {
  const figures = { lane: 0, plans: 9, regions: 3, accepted: 0, values: { tone: [{ value: 'polite', count: 9 }] } };
  const textOf = (ended: number, accepted: number) =>
    synalignLines({ exploration: [], attributes: [{ ...figures, ended, accepted }], weights: [] })[0]?.[1];
  expect(textOf(0, 0)).toBe('tone: polite 9; 3 answers are kept');
  expect(textOf(8, 6)).toBe('tone: polite 9; 6 of the first 8 plans became samples, 3 answers are kept');
});

test('exploring and weights are told by lane where there are several', () => {
  const report = { lengthScale: 0.977, informative: false, seen: 40, explored: { ham: 3 }, candidates: { ham: 30 } };
  const solution = { size: 96, effectiveSampleSize: 81.23, regularization: 0.001, gap: 0 };
  const lines = synalignLines({
    exploration: [0, 1].map((lane) => ({ lane, ...report })),
    attributes: [],
    weights: [
      {
        lane: 0,
        labels: [
          { label: 'ham', texts: 96, real: 40, solution },
          { label: 'spam', texts: 3, real: 9, solution: null },
          { label: 'other', texts: 0, real: 0, solution: null },
        ],
      },
    ],
  });
  expect(lines[0]?.[1]).toBe(
    'lane 0: 3 of 30 candidates (40 real records came), length scale 0.977, it tells no records apart: their embeddings are all alike, or all equally far apart',
  );
  expect(lines.at(-1)).toEqual([
    'weights',
    'lane 0: ham: worth 81.2 of 96 samples; spam: weight 1, too few yet (3 samples, 9 real records); other: weight 1, no real record yet to hold them against',
  ]);
});
