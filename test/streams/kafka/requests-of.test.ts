import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { sizeOf } from '../../../streams/kafka/topic-catalogue.js';
import { requestsOf } from '../../../streams/kafka/transactional-writer.js';
import type { Message } from '../../../streams/topics.js';

const limits: Readonly<Record<string, number>> = { a: 1000, b: 5000, c: 900_000 };
const limitOf = (topic: string) => limits[topic] ?? 0;
const mostBytes = 8 * 2 ** 20;

const message = fc.record({
  topic: fc.constantFrom('a', 'b', 'c'),
  partition: fc.integer({ min: 0, max: 2 }),
  key: fc.option(fc.string()),
  value: fc.integer({ min: 0, max: 1500 }).map((length) => new Uint8Array(length)),
});

function bytesByPlace(messages: readonly Message[]): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const { topic, partition, key, value, headers } of messages) {
    const place = `${topic}/${partition}`;
    bytes.set(place, (bytes.get(place) ?? 0) + sizeOf(key, value, headers));
  }
  return bytes;
}

describe('requestsOf', () => {
  it('keeps all messages in order, and no batch above the limit of its topic but one message alone', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
        const requests = requestsOf(messages, limitOf);
        expect(requests.flat().map((placed) => placed.index)).toEqual(messages.map((_, index) => index));
        expect(requests.flat().map((placed) => placed.message)).toEqual(messages);
        for (const request of requests) {
          expect(request.length).toBeGreaterThan(0);
          if (request.length === 1) continue;
          for (const [place, bytes] of bytesByPlace(request.map((placed) => placed.message))) {
            const inPlace = request.filter((placed) => `${placed.message.topic}/${placed.message.partition}` === place);
            if (inPlace.length > 1) expect(bytes).toBeLessThanOrEqual(limitOf(place.slice(0, 1)));
          }
        }
      }),
    );
  });

  it('is one request where everything fits', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 8 }), (messages) => {
        expect(requestsOf(messages, () => 900_000)).toHaveLength(1);
      }),
    );
  });

  it('keeps a request over many partitions below eight megabytes', () => {
    const value = new Uint8Array(800_000);
    const messages = Array.from({ length: 30 }, (_, partition) => ({ topic: 'c', partition, key: null, value }));
    const requests = requestsOf(messages, limitOf);
    expect(requests).toHaveLength(3);
    for (const request of requests) {
      expect(request.reduce((sum, { message: { value } }) => sum + (value?.byteLength ?? 0), 0)).toBeLessThan(
        mostBytes,
      );
    }
  });

  it('is nothing for no messages', () => {
    expect(requestsOf([], limitOf)).toEqual([]);
  });
});
