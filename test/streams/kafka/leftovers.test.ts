import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Leftovers } from '../../../streams/kafka/leftovers.js';
import type { StoredMessage } from '../../../streams/topics.js';

const cursor = (from: number, topic = 'topic', partition = 0) => ({ topic, partition, from });

function messages(from: number, count: number, bytes = 10): StoredMessage[] {
  const value = new Uint8Array(bytes);
  return Array.from({ length: count }, (_, index) => ({
    topic: 'topic',
    partition: 0,
    offset: from + index,
    key: null,
    value,
    headers: {},
    timestamp: 0,
  }));
}

describe('Leftovers', () => {
  it('gives what was kept for a position, once', () => {
    const leftovers = new Leftovers();
    const kept = messages(5, 3);
    leftovers.keep(cursor(5), kept);
    expect(leftovers.take(cursor(5, 'other'))).toBeUndefined();
    expect(leftovers.take(cursor(5, 'topic', 1))).toBeUndefined();
    expect(leftovers.take(cursor(6))).toBeUndefined();
    expect(leftovers.take(cursor(5))).toEqual(kept);
    expect(leftovers.take(cursor(5))).toBeUndefined();
  });

  it('keeps the newest of what is put at the same position', () => {
    const leftovers = new Leftovers();
    leftovers.keep(cursor(5), messages(5, 3));
    leftovers.keep(cursor(5), messages(5, 1));
    expect(leftovers.take(cursor(5))).toHaveLength(1);
  });

  it('lets the oldest go beyond 32 MiB, however it is used', () => {
    const mib = 2 ** 20;
    const step = fc.record({ from: fc.nat(15), take: fc.boolean(), mib: fc.integer({ min: 1, max: 12 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const leftovers = new Leftovers();
        const model = new Map<number, number>();
        for (const { from, take, mib: size } of steps) {
          if (take) {
            expect(leftovers.take(cursor(from)) !== undefined).toBe(model.delete(from));
            continue;
          }
          leftovers.keep(cursor(from), messages(from, 1, size * mib));
          model.delete(from);
          model.set(from, size);
          const total = () => [...model.values()].reduce((sum, each) => sum + each * mib + 100, 0);
          for (const oldest of model.keys()) if (total() > 32 * mib) model.delete(oldest);
        }
        for (let from = 0; from <= 15; from++) {
          expect(leftovers.take(cursor(from)) !== undefined).toBe(model.has(from));
        }
      }),
      { numRuns: 50 },
    );
  });
});
