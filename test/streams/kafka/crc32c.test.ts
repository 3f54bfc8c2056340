import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { crc32c } from '../../../streams/kafka/crc32c.js';

const reference: (bytes: Buffer) => number = createRequire(import.meta.url)(
  'kafkajs/src/protocol/recordBatch/crc32C/crc32C.js',
);

test('has the check value of CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

test('agrees with one byte at a time, for all lengths and any part of the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(200), (bytes, a, b) => {
      const [from, to] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)];
      expect(crc32c(bytes, from, to)).toBe(reference(Buffer.from(bytes.subarray(from, to))));
    }),
  );
});
