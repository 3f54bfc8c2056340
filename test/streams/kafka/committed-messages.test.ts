import fc from 'fast-check';
import type { FetchedRecord } from 'kafkajs/src/cluster/index.js';
import { describe, expect, it } from 'vitest';

import { committedMessages } from '../../../streams/kafka/committed-messages.js';

const producers = ['1', '2', '3'];

interface Given {
  readonly producerId: string;
  readonly kind: 'plain' | 'transactional' | 'commit' | 'abort';
}

/** A log of a few producers, as a broker would send it, with the offsets that a reader must see, by the rules. */
function logOf(given: readonly Given[]) {
  const open = new Map<string, number[]>();
  const aborted: { producerId: string; firstOffset: string }[] = [];
  const visible = new Set<number>();
  const messages: FetchedRecord[] = [];
  const write = ({ producerId, kind }: Given) => {
    const offset = messages.length;
    const isControlRecord = kind === 'commit' || kind === 'abort';
    const mine = open.get(producerId) ?? [];
    if (kind === 'plain') visible.add(offset);
    if (kind === 'transactional') open.set(producerId, [...mine, offset]);
    if (kind === 'commit') for (const each of mine) visible.add(each);
    if (kind === 'abort' && mine[0] !== undefined) aborted.push({ producerId, firstOffset: String(mine[0]) });
    if (isControlRecord) open.delete(producerId);
    messages.push({
      offset: String(offset),
      timestamp: '0',
      // Keys of records may look like those of markers.
      key: Buffer.from([0, 0, 0, isControlRecord && kind === 'commit' ? 1 : 0]),
      value: Buffer.from(String(offset)),
      headers: {},
      isControlRecord,
      batchContext: { producerId, inTransaction: kind !== 'plain' },
    });
  };
  given.forEach(write);
  for (const producerId of [...open.keys()]) write({ producerId, kind: 'abort' });
  return { messages, aborted, visible };
}

describe('committedMessages', () => {
  it('shows what was committed or written outside transactions, and nothing else, from any offset on', () => {
    const record = fc.record({
      producerId: fc.constantFrom(...producers),
      kind: fc.constantFrom<Given['kind']>('plain', 'transactional', 'transactional', 'commit', 'abort'),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 40 }), fc.nat(40), (given, from) => {
        const { messages, aborted, visible } = logOf(given);
        const fetched = { partition: 0, lastStableOffset: '0', abortedTransactions: aborted.toReversed(), messages };
        const shown = committedMessages('topic', fetched, from);
        expect(shown.messages.map(({ offset }) => offset)).toEqual(
          [...visible].filter((offset) => offset >= from).sort((a, b) => a - b),
        );
        expect(shown.next).toBe(Math.max(from, messages.length));
      }),
    );
  });

  it('gives keys, values, headers and times as they were written', () => {
    const record = {
      offset: '7',
      timestamp: '123',
      key: null,
      value: null,
      headers: { one: Buffer.from('ä'), two: [Buffer.from('first'), Buffer.from('last')], none: undefined },
      isControlRecord: false,
      batchContext: { producerId: '-1', inTransaction: false },
    };
    const fetched = { partition: 3, lastStableOffset: '8', abortedTransactions: [], messages: [record] };
    expect(committedMessages('topic', fetched, 0)).toEqual({
      messages: [
        {
          topic: 'topic',
          partition: 3,
          offset: 7,
          key: null,
          value: null,
          headers: { one: 'ä', two: 'last' },
          timestamp: 123,
        },
      ],
      next: 8,
    });
  });
});
