import { AssignerProtocol, type PartitionAssigner } from 'kafkajs';

import { sharePartitions } from '../share-partitions.js';

const { MemberAssignment, MemberMetadata } = AssignerProtocol;
const version = 1;

/**
 * Shares a topic's partitions evenly among the members of a group, and lets as many as possible stay where they are: members tell
 * the one that shares what they hold. A kept partition goes on working through the change.
 */
export function stickyAssigner(topic: string, held: () => readonly number[]): PartitionAssigner {
  return ({ cluster }) => ({
    name: 'headwater-sticky',
    version,
    protocol: ({ topics }) => ({
      name: 'headwater-sticky',
      metadata: MemberMetadata.encode({ version, topics, userData: Buffer.from(JSON.stringify(held())) }),
    }),
    assign: async ({ members }) => {
      const ids = members.map(({ memberId }) => memberId).sort();
      const holders: (string | undefined)[] = cluster.findTopicPartitionMetadata(topic).map(() => undefined);
      for (const { memberId, memberMetadata } of members) {
        for (const partition of heldOf(memberMetadata)) if (partition < holders.length) holders[partition] = memberId;
      }
      const shares = sharePartitions(ids, holders);
      return ids.map((memberId) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version,
          assignment: { [topic]: shares.flatMap((holder, partition) => (holder === memberId ? [partition] : [])) },
          userData: Buffer.alloc(0),
        }),
      }));
    },
  });
}

function heldOf(metadata: Buffer): readonly number[] {
  try {
    const held: unknown = JSON.parse(MemberMetadata.decode(metadata)?.userData.toString() ?? '[]');
    return Array.isArray(held) ? held.filter((partition) => Number.isInteger(partition) && partition >= 0) : [];
  } catch {
    return [];
  }
}
