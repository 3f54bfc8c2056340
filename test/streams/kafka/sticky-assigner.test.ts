import fc from 'fast-check';
import { AssignerProtocol, type Cluster } from 'kafkajs';
import { describe, expect, it } from 'vitest';

import { stickyAssigner } from '../../../streams/kafka/sticky-assigner.js';

const topic = 'p.input';

/** What members say of themselves, shared out by one of them, and what each of them reads then. */
async function shared(
  held: readonly (readonly number[] | Buffer)[],
  partitions: number,
): Promise<readonly (readonly number[])[]> {
  const cluster = {
    findTopicPartitionMetadata: () => Array.from({ length: partitions }, (_, partitionId) => ({ partitionId })),
  } as unknown as Cluster;
  const assigner = (own: readonly number[]) =>
    stickyAssigner(topic, () => own)({ cluster, groupId: 'group', logger: undefined as never });
  const members = held.map((own, index) => ({
    memberId: `member-${index}`,
    memberMetadata: Buffer.isBuffer(own) ? own : assigner(own).protocol({ topics: [topic] }).metadata,
  }));
  const assignment = await assigner([]).assign({ members, topics: [topic] });
  return members.map(({ memberId }) => {
    const mine = assignment.find((each) => each.memberId === memberId);
    return mine === undefined
      ? []
      : (AssignerProtocol.MemberAssignment.decode(mine.memberAssignment)?.assignment[topic] ?? []);
  });
}

describe('stickyAssigner', () => {
  it('gives every partition to one member, in even shares, and moves no more than it must', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.option(fc.nat(5)), { minLength: 1, maxLength: 20 }),
        async (count, holders) => {
          const held = Array.from({ length: count }, (_, member) =>
            holders.flatMap((holder, partition) => (holder === member ? [partition] : [])),
          );
          const shares = await shared(held, holders.length);
          expect(shares.flat().sort((a, b) => a - b)).toEqual(holders.map((_, partition) => partition));
          const sizes = shares.map((share) => share.length);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          const least = Math.floor(holders.length / count);
          for (const [member, share] of shares.entries()) {
            const kept = share.filter((partition) => held[member]?.includes(partition)).length;
            expect(kept).toBeGreaterThanOrEqual(Math.min(held[member]?.length ?? 0, least));
          }
        },
      ),
    ));

  it('settles for one where two claim a partition, and takes no nonsense', async () => {
    const nonsense = AssignerProtocol.MemberMetadata.encode({
      version: 1,
      topics: [topic],
      userData: Buffer.from('{"a":'),
    });
    const shares = await shared([[0, 1], [1, 0, 99, -1], nonsense], 3);
    expect(shares.flat().sort()).toEqual([0, 1, 2]);
  });
});
