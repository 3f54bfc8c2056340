import { expect, test } from 'vitest';

import { restoredFloats, storedFloats } from '../../../operators/flow/stored-floats.js';

test('float64 numbers come back to the last bit, also from the middle of a larger array', () => {
  const values = Float64Array.of(0, -0, 1 / 3, Number.MAX_VALUE, 5e-324, Number.NaN, Number.NEGATIVE_INFINITY);
  expect(restoredFloats(storedFloats(values))).toEqual(values);
  expect(restoredFloats(storedFloats(values.subarray(2, 5)))).toEqual(values.slice(2, 5));
});

test('a number that is cut is refused', () => {
  const half = Buffer.alloc(12).toString('base64');
  expect(() => restoredFloats(half)).toThrow(expect.objectContaining({ code: 'record-invalid' }));
});
