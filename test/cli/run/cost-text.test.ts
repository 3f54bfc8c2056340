import { expect, test } from 'vitest';

import { costText, yieldText } from '../../../cli/run/cost-text.js';

test.each([
  [null, 10, 'unknown'],
  [0, 10, '$0'],
  [0.25, 200, '$0.2500 ($0.0013 an accepted sample)'],
  [0.25, 0, '$0.2500'],
  [0.0003, 30, '$0.00030 ($0.000010 an accepted sample)'],
])('a cost of %s for %s samples', (cost, accepted, text) => expect(costText(cost, accepted)).toBe(text));

test('the yield names what was lost where', () => {
  expect(yieldText({ accepted: 0, ended: 0, endings: {} })).toBe('not known: no plan has ended');
  const endings = { draft: { cut: 1, empty: 2 }, align: { copied: 3 } };
  expect(yieldText({ accepted: 6, ended: 12, endings })).toBe(
    '50 % of 12 plans; draft: cut 1, empty 2; align: copied 3',
  );
});
