import fc from 'fast-check';
import { expect, it } from 'vitest';

import { covered } from '../../../cli/arms/read-arm.js';

it('is the time that lies in any of the spans, as counted second by second', () => {
  const span = fc
    .tuple(fc.nat({ max: 60 }), fc.nat({ max: 20 }))
    .map(([from, length]) => ({ from, to: from + length }));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 12 }), (spans) => {
      const seconds = Array.from({ length: 80 }, (_, at) => spans.some(({ from, to }) => from <= at && at < to));
      expect(covered(spans)).toBe(seconds.filter(Boolean).length);
    }),
  );
});
