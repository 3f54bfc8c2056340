import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { steeredValues } from '../../../../operators/synalign/reason/steered-values.js';
import type { AttributeDemand } from '../../../../schemas/plan.js';

const values = { tone: 'urgent', topic: 'prices' };

function steered(attributeDemand: readonly AttributeDemand[], from = values, plans = 2000) {
  return Array.from({ length: plans }, (_, randomSeed) =>
    steeredValues(from, { attributeDemand: [...attributeDemand], randomSeed }),
  );
}

describe('attributes that corrections find too much or too little of', () => {
  test('stay as they are without corrections, and where nothing is too much', () => {
    for (const demand of [
      [],
      [{ name: 'tone', value: 'calm', demand: 3 }],
      [{ name: 'tone', value: 'urgent', demand: 2 }],
    ]) {
      for (const one of steered(demand, values, 20)) expect(one).toEqual({ values });
    }
  });

  test('stay with a chance of the demand, and give way to what is missing, by how much of it is', () => {
    const all = steered([
      { name: 'tone', value: 'Urgent', demand: 0.25 },
      { name: 'tone', value: 'calm', demand: 4 },
      { name: 'tone', value: 'dry', demand: 2 },
      { name: 'topic', value: 'loans', demand: 4 },
    ]);
    const shareOf = (tone: string) => all.filter((one) => one.values['tone'] === tone).length / all.length;
    // standard errors of 0.01
    expect(shareOf('urgent')).toBeCloseTo(0.25, 1);
    expect(shareOf('calm')).toBeCloseTo(0.75 * (3 / 4), 1);
    expect(shareOf('dry')).toBeCloseTo(0.75 * (1 / 4), 1);
    for (const one of all) {
      expect(one.values['topic']).toBe('prices');
      expect(one.replaced).toEqual(one.values['tone'] === 'urgent' ? undefined : { tone: 'urgent' });
    }
  });

  test('are left out where nothing else is known, but for the last one', () => {
    const less = [
      { name: 'tone', value: 'urgent', demand: 0.1 },
      { name: 'topic', value: 'prices', demand: 0.1 },
    ];
    const all = steered(less);
    expect(all.every((one) => Object.keys(one.values).length >= 1)).toBe(true);
    expect(all.filter((one) => one.values['tone'] === undefined).length / all.length).toBeCloseTo(0.9, 1);
    expect(steered(less, { tone: 'urgent', topic: 'else' }).some((one) => one.replaced?.['topic'])).toBe(false);
    expect(steeredValues({ tone: 'urgent' }, { attributeDemand: less, randomSeed: 3 })).toEqual({
      values: { tone: 'urgent' },
    });
  });

  test('are known by their start where corrections cut them off, and such a start is never written from', () => {
    const long = `${'very '.repeat(20)}long`;
    const cut = long.slice(0, 60);
    const gone = steered([{ name: 'tone', value: cut, demand: 0.001 }], { tone: long, topic: 'prices' }, 50);
    expect(gone.filter((one) => one.values['tone'] === undefined).length).toBeGreaterThan(45);
    const never = steered([
      { name: 'tone', value: 'urgent', demand: 0.1 },
      { name: 'tone', value: cut, demand: 9 },
    ]);
    expect(never.some((one) => one.values['tone'] === cut)).toBe(false);
  });

  test('depend on the plan alone, and name only what was told or answered', () => {
    const demand = fc.record({
      name: fc.constantFrom('tone', 'topic'),
      value: fc.constantFrom('urgent', 'calm', 'prices', 'loans'),
      demand: fc.double({ min: 0.01, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(demand, { maxLength: 8 }), fc.nat(), (attributeDemand, randomSeed) => {
        const plan = { attributeDemand, randomSeed };
        const first = steeredValues(values, plan);
        expect(steeredValues(values, plan)).toEqual(first);
        for (const [name, value] of Object.entries(first.values)) {
          const told = attributeDemand.some((one) => one.name === name && one.value === value);
          expect(told || Object.entries(values).some(([own, it]) => own === name && it === value)).toBe(true);
        }
      }),
    );
  });
});
