import { expect, it } from 'vitest';

import { lookout } from '../../../cli/run/lookout.js';

it('looks one at a time: what is due meanwhile is left out', async () => {
  const going: (() => void)[] = [];
  const look = lookout(
    () => new Promise<void>((resolve) => going.push(resolve)),
    (error) => expect.fail(String(error)),
  );
  const first = look();
  await look();
  await look();
  expect(going).toHaveLength(1);
  going[0]?.();
  await first;
  const second = look();
  expect(going).toHaveLength(2);
  going[1]?.();
  await second;
});

it('tells once that it keeps failing, and again after it has succeeded', async () => {
  const told: unknown[] = [];
  let broken = true;
  const look = lookout(
    async () => {
      if (broken) throw new Error('away');
    },
    (error) => told.push(error),
  );
  for (let times = 0; times < 2; times++) await look();
  expect(told).toEqual([]);
  for (let times = 0; times < 9; times++) await look();
  expect(told).toEqual([new Error('away')]);
  broken = false;
  await look();
  broken = true;
  for (let times = 0; times < 9; times++) await look();
  expect(told).toHaveLength(2);
});
