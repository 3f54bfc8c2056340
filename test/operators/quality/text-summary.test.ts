import { expect, test } from 'vitest';

import { printOf, TextSummary } from '../../../operators/quality/text-summary.js';

const story =
  'Three hens lay two eggs a day and the farmer sells all of them on the market for four dollars a dozen every week.';

function summaryOf(...texts: readonly string[]): TextSummary {
  const summary = new TextSummary();
  for (const text of texts) summary.add(printOf(text, summary));
  return summary;
}

test('lengths and distinct word pairs', () => {
  const summary = summaryOf('A b a b', 'b, a!', 'one');
  expect(summary.words).toBe(7);
  expect(summary.meanWords).toBeCloseTo(7 / 3, 12);
  expect(summary.meanCharacters).toBeCloseTo(15 / 3, 12);
  // a b, b a, a b, b a
  expect(summary.distinct2).toBe(0.5);
  expect(summaryOf('one', 'two').distinct2).toBe(0);
  expect(summaryOf().meanWords).toBe(0);
});

test('a repeated text is an exact duplicate, one with another last word a near one, never both', () => {
  const summary = summaryOf(
    story,
    'Something else that is not at all like it.',
    story,
    `${story} Indeed.`,
    `${story} Indeed.`,
  );
  expect(summary.exactDuplicates).toBe(2);
  expect(summary.nearDuplicates).toBe(1);
});

test('case and layout make a near duplicate, not an exact one', () => {
  const summary = summaryOf(story, story.toUpperCase());
  expect([summary.exactDuplicates, summary.nearDuplicates]).toEqual([0, 1]);
});

test('how a text stands to a set does not change the set', () => {
  const real = summaryOf(story, 'Something else that is not at all like it.');
  const likeness = (text: string) => real.likeness(printOf(text, real));
  expect(likeness(story)).toBe('same');
  expect(likeness(`${story} Indeed.`)).toBe('near');
  expect(likeness('A train leaves the station at noon and arrives after three hours.')).toBe('new');
  expect([real.exactDuplicates, real.nearDuplicates]).toEqual([0, 0]);
});
