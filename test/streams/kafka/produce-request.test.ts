import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { isDirect, type ProduceOptions, produceBody } from '../../../streams/kafka/produce-request.js';

const kafkajs: (options: ProduceOptions) => { encode(): Promise<{ buffer: Buffer }> } = createRequire(import.meta.url)(
  'kafkajs/src/protocol/requests/produce/v3/request.js',
);

const text = fc.string({ unit: 'grapheme', maxLength: 300 });
const bytes = fc.uint8Array({ maxLength: 3000 }).map((array) => Buffer.from(array));
/** As many digits for all: kafkajs takes the least as text. */
const timestamp = fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }).map(String);
const message = fc.record({
  key: fc.oneof(fc.constant(null), text, bytes),
  value: fc.oneof(fc.constant(null), text, bytes),
  headers: fc.option(fc.dictionary(text, fc.oneof(text, bytes), { maxKeys: 4 }), { nil: undefined }),
  timestamp,
});
const partition = fc.record({
  partition: fc.nat(1000),
  firstSequence: fc.nat(2 ** 31 - 1),
  messages: fc.array(message, { minLength: 1, maxLength: 150 }),
});
const options: fc.Arbitrary<ProduceOptions> = fc.record({
  acks: fc.constantFrom(-1, 0, 1),
  timeout: fc.nat(60_000),
  transactionalId: fc.option(text),
  producerId: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String), fc.constant(-1)),
  producerEpoch: fc.nat(32_767),
  topicData: fc.array(fc.record({ topic: text, partitions: fc.array(partition, { maxLength: 3 }) }), { maxLength: 3 }),
});

test('writes byte for byte what kafkajs writes', async () => {
  await fc.assert(
    fc.asyncProperty(options, async (request) => {
      const theirs = (await kafkajs(request).encode()).buffer;
      expect(produceBody(request).equals(theirs)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('gives messages without a time the time of writing, and elapsed times from the earliest', async () => {
  const at = (messages: readonly { timestamp?: string }[]): ProduceOptions => ({
    topicData: [
      { topic: 't', partitions: [{ partition: 0, messages: messages.map((each) => ({ value: 'v', ...each })) }] },
    ],
  });
  const now = 1_700_000_000_000;
  expect(produceBody(at([{}, {}]), now)).toEqual(
    produceBody(at([{ timestamp: String(now) }, { timestamp: String(now) }])),
  );
  const unordered = at([{ timestamp: '1700000000005' }, { timestamp: '999999999999' }]);
  const sorted = (await kafkajs(at([{ timestamp: '0999999999999' }, { timestamp: '1700000000005' }])).encode()).buffer;
  expect(produceBody(unordered)).toHaveLength(sorted.length);
});

test('leaves to kafkajs what is compressed, and headers that are no single text', () => {
  const request = (headers: Record<string, unknown>, compression = 0): ProduceOptions => ({
    compression,
    topicData: [{ topic: 't', partitions: [{ partition: 0, messages: [{ value: 'v', headers }] }] }],
  });
  expect(isDirect(request({ a: 'text', b: Buffer.from('bytes') }))).toBe(true);
  expect(isDirect(request({ a: 'text' }, 1))).toBe(false);
  expect(isDirect(request({ a: ['one', 'two'] }))).toBe(false);
  expect(isDirect(request({ a: null }))).toBe(false);
});
