import fc from 'fast-check';
import { expect, test } from 'vitest';

import { writeCosinesAndSines } from '../../../../operators/kernels/mmd/sine-cosine.js';

test('cosines and sines are those of Math, for small, large and special angles', () => {
  const angle = fc.oneof(
    fc.float({ min: -50, max: 50, noNaN: true }),
    fc.float({ noNaN: true, noDefaultInfinity: true }),
  );
  fc.assert(
    fc.property(
      fc.array(angle, { minLength: 1, maxLength: 20 }),
      fc.double({ min: 0.1, max: 10, noNaN: true }),
      (list, factor) => {
        const angles = Float32Array.from(list);
        const into = new Float64Array(2 * list.length);
        writeCosinesAndSines(angles, 0, list.length, { scale: 1, factor }, into, 0, list.length);
        for (const [i, angle] of angles.entries()) {
          expect(Math.abs((into[i] ?? 9) - Math.cos(angle * factor))).toBeLessThan(4e-16);
          expect(Math.abs((into[list.length + i] ?? 9) - Math.sin(angle * factor))).toBeLessThan(4e-16);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('the quarters of the circle, and an angle that is none', () => {
  const quarters = Float32Array.of(0, Math.PI / 2, Math.PI, -Math.PI / 2, Number.NaN, Number.POSITIVE_INFINITY);
  const into = new Float64Array(12);
  writeCosinesAndSines(quarters, 0, 6, { scale: 2, factor: 1 }, into, 0, 6);
  const rounded = [...into].map((value) => Math.round(value * 1e6) / 1e6 + 0);
  expect(rounded.slice(0, 4)).toEqual([2, 0, -2, 0]);
  expect(rounded.slice(6, 10)).toEqual([0, 2, 0, -2]);
  expect([into[4], into[5], into[10], into[11]].every(Number.isNaN)).toBe(true);
});
