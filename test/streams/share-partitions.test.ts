import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { sharePartitions } from '../../streams/share-partitions.js';

const members = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
const holders = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', undefined), { maxLength: 20 });

describe('sharePartitions', () => {
  it('gives every partition to a member, with shares that differ by at most one', () => {
    fc.assert(
      fc.property(members, holders, (present, held) => {
        const shares = sharePartitions(present, held);
        expect(shares).toHaveLength(held.length);
        const counts = present.map((member) => shares.filter((holder) => holder === member).length);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(held.length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('moves nothing when the shares are even', () => {
    fc.assert(
      fc.property(members, holders, (present, held) => {
        const even = sharePartitions(present, held);
        expect(sharePartitions(present, even)).toEqual(even);
      }),
    );
  });

  it('moves only what a newcomer needs', () => {
    expect(sharePartitions(['a', 'b'], ['a', 'a', 'a', 'a', 'a'])).toEqual(['a', 'a', 'a', 'b', 'b']);
    expect(sharePartitions(['a', 'b', 'c'], ['b', 'b', 'a', 'a'])).toEqual(['b', 'c', 'a', 'a']);
  });

  it('leaves partitions open when nobody is there', () => {
    expect(sharePartitions([], ['a', undefined])).toEqual([undefined, undefined]);
  });
});
