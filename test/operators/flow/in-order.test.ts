import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { expect, test } from 'vitest';

import { inOrder } from '../../../operators/flow/in-order.js';

test('puts values in the order of their places, and passes each on as soon as it may', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(), { maxLength: 30 }), async (keys) => {
      const places = keys.toSorted((a, b) => a - b);
      const placed = keys.map((key) => ({ place: places.indexOf(key), value: `v${key}` }));
      const out = await lastValueFrom(from(placed).pipe(inOrder(), toArray()));
      expect(out).toEqual(places.map((key) => `v${key}`));
    }),
  );
  const seen: string[] = [];
  from([2, 0, 1].map((place) => ({ place, value: `p${place}` })))
    .pipe(inOrder())
    .subscribe((value) => seen.push(value));
  expect(seen).toEqual(['p0', 'p1', 'p2']);
});

test('what follows a gap is not passed on', async () => {
  const out = await lastValueFrom(from([{ place: 1, value: 'b' }]).pipe(inOrder(), toArray()));
  expect(out).toEqual([]);
});
