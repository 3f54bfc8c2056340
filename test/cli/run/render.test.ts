import fc from 'fast-check';
import { expect, test } from 'vitest';

import { clock, renderLine, renderTable, sparkline } from '../../../cli/run/render.js';
import type { RunView } from '../../../cli/run/run-view.js';
import { judgeStatusOf } from '../../../streams/river/quality-status.js';
import { examples } from '../../schemas/examples.js';

const view: RunView = {
  name: 'mails',
  target: 1200,
  accepted: 300,
  acceptedBefore: 100,
  elapsedMs: 60_000,
  stages: [
    { name: 'plan', counts: { emitted: 1500, absorbed: 2, dropped: {}, dead: {} }, inFlight: 0, lag: 3 },
    {
      name: 'align',
      counts: { emitted: 300, absorbed: 0, dropped: { copied: 7, short: 2 }, dead: { 'record-invalid': 1 } },
      inFlight: 12,
      lag: 0,
    },
  ],
  roles: [{ role: 'base', promptTokens: 900, completionTokens: 1200, calls: 20 }],
  cost: 0.25,
  mmd2: [0.3, 0.2, 0.1],
  shards: 2,
  shardDir: '/data/out',
};

test('the table of a run', () => {
  expect(renderTable(view)).toBe(
    `
mails  300 of 1,200 accepted · 1:00 · ETA 4:30

  stage in flight      lag  emitted  dropped     dead
  plan          0        3    1,500        0        0
  align        12        0      300        9        1

  models    base 20.0 tok/s, $0.2500 ($0.0013 an accepted sample)
  ended     accepted 300, align/copied 7, align/short 2, align/record-invalid 1 (dead)
  MMD²      0.1000 █▅▁
  diversity not known yet
  shards    2 in /data/out`.slice(1),
  );
});

test('a line for each endpoint; of a rack those that are not well first, and how many more there are', () => {
  const at = (port: number, state: 'well' | 'out' = 'well') => ({
    ...{ role: 'base', url: `http://10.0.0.1:${port}/v1`, limit: 32, inFlight: 12, state },
  });
  expect(renderTable({ ...view, endpoints: [at(1), at(2, 'out')] })).toContain(
    `
  endpoint  base http://10.0.0.1:1/v1: limit 32, 12 in flight, well
  endpoint  base http://10.0.0.1:2/v1: limit 32, 12 in flight, out
  ended `,
  );
  const rack = Array.from({ length: 12 }, (_, port) => at(port, port === 9 ? 'out' : 'well'));
  const lines = renderTable({ ...view, endpoints: rack })
    .split('\n')
    .filter((line) => line.startsWith('  endpoint'));
  expect(lines).toHaveLength(9);
  expect(lines[0]).toBe('  endpoint  base http://10.0.0.1:9/v1: limit 32, 12 in flight, out');
  expect(lines[8]).toBe('  endpoint  and 4 more');
});

test('the line of a run', () => {
  expect(renderLine(view)).toBe(
    '300 of 1,200 accepted · 1:00 · ETA 4:30 · base 20.0 tok/s, $0.2500 ($0.0013 an accepted sample) · ended accepted 300, align/copied 7, align/short 2, align/record-invalid 1 (dead) · MMD² 0.1000 █▅▁',
  );
});

test('diversity in one line, never the cosine alone, and the judge where there is one', () => {
  const judged = { ...view, quality: examples.quality, judge: judgeStatusOf([examples.verdict]) };
  expect(renderTable(judged)).toContain('\n  diversity cosine 0.300, nearest 0.700, worth 20.5 of 64\n');
  expect(renderTable(judged)).toContain(
    '\n  judge     100.0 % of 1 taken for real (guessing 75.0 %, 1.0 % to 100.0 %), undecided, cost unknown\n',
  );
  expect(renderLine(judged)).toMatch(/ · cosine 0\.300, nearest 0\.700, worth 20\.5 of 64$/u);
});

test('what is not known is said', () => {
  const start: RunView = {
    ...view,
    target: null,
    accepted: 0,
    acceptedBefore: 0,
    elapsedMs: 0,
    stages: [],
    roles: [],
    cost: null,
    mmd2: [],
  };
  expect(renderTable(start)).toContain('mails  0 accepted · 0:00\n');
  expect(renderTable(start)).toContain('models    not asked yet');
  expect(renderTable(start)).toContain('MMD²      not known yet');
  expect(renderTable({ ...view, cost: null })).toContain('cost unknown');
});

test.each([
  [0, '0:00'],
  [59_499, '0:59'],
  [59_500, '1:00'],
  [3_600_000, '1:00:00'],
  [36_061_000, '10:01:01'],
])('%d ms are %s', (milliseconds, text) => {
  expect(clock(milliseconds)).toBe(text);
});

test('a sparkline has a bar for each number, the highest for the greatest', () => {
  expect(sparkline([])).toBe('');
  expect(sparkline([5, 5])).toBe('▁▁');
  expect(sparkline([0, 7])).toBe('▁█');
  const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }), { minLength: 2 });
  fc.assert(
    fc.property(numbers, (values) => {
      const bars = [...sparkline(values)];
      expect(bars).toHaveLength(values.length);
      const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
      for (const [i, a] of values.entries()) {
        for (const [j, b] of values.entries())
          if (a < b) expect(order(bars[i] ?? '', bars[j] ?? '')).toBeLessThanOrEqual(0);
      }
    }),
  );
});
