import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { blockHeader, decodeBlock, encodeBlocks, MessageBatch } from '../../../streams/log/block.js';
import type { Message } from '../../../streams/topics.js';

const wide = { maxRecords: 1e6, maxBytes: 1e9 };
const message = fc.record({
  topic: fc.constant('t'),
  partition: fc.constant(3),
  key: fc.option(fc.string({ unit: 'grapheme' }), { nil: null }),
  value: fc.option(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(90_000).fill(7))), {
    nil: null,
  }),
  headers: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
  timestamp: fc.integer({ min: -1e12, max: 1e13 }),
});

function decodeAll(messages: readonly Message[], from = 0, bounds = wide) {
  const batch = new MessageBatch(bounds);
  let base = 0;
  for (const { bytes, count } of encodeBlocks(messages, 0)) {
    if (!decodeBlock(bytes, { topic: 't', partition: 3, base }, from, batch)) break;
    base += count;
  }
  return batch.messages.map(comparable);
}

/** Large values as text: comparing typed arrays one by one takes minutes. */
function comparable(message: Message & { readonly offset: number }) {
  return { ...message, value: message.value && Buffer.from(message.value).toString('latin1') };
}

describe('blocks', () => {
  it('give back any messages, in order, with consecutive offsets', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
        const expected = messages.map((each, offset) => comparable({ ...each, offset }));
        expect(decodeAll(messages)).toEqual(expected);
      }),
    );
  });

  it('give back messages from any offset on, within bounds', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 12 }),
        fc.nat(14),
        fc.integer({ min: 1, max: 5 }),
        (messages, from, maxRecords) => {
          const expected = messages
            .map((each, offset) => comparable({ ...each, offset }))
            .slice(from, from + maxRecords);
          expect(decodeAll(messages, from, { maxRecords, maxBytes: 1e9 })).toEqual(expected);
        },
      ),
    );
  });

  it('hold about 128 KiB and at least one message each', () => {
    const value = new Uint8Array(1000);
    const small = encodeBlocks(
      Array.from({ length: 1000 }, () => ({ topic: 't', partition: 0, key: null, value })),
      0,
    );
    expect(small.map(({ count }) => count)).toEqual([129, 129, 129, 129, 129, 129, 129, 97]);
    const large = { topic: 't', partition: 0, key: null, value: new Uint8Array(500_000) };
    expect(encodeBlocks([large, large], 0).map(({ count }) => count)).toEqual([1, 1]);
    expect(encodeBlocks([], 0)).toEqual([]);
  });

  it('know their count and newest timestamp', () => {
    const at = (timestamp?: number): Message => ({
      topic: 't',
      partition: 0,
      key: null,
      value: null,
      ...(timestamp === undefined ? {} : { timestamp }),
    });
    const [block] = encodeBlocks([at(5), at(), at(-3)], 4);
    expect(block && blockHeader(block.bytes)).toEqual({ count: 3, newest: 5 });
  });
});
