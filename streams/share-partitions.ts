/**
 * Who holds each partition, by partition: shares differ by at most one, and as many partitions as possible stay where they are.
 * Members in the order in which they joined; `holders` by partition, undefined where nobody holds it.
 */
export function sharePartitions<Member>(
  members: readonly Member[],
  holders: readonly (Member | undefined)[],
): readonly (Member | undefined)[] {
  const held = new Map<Member, number>(members.map((member) => [member, 0]));
  for (const holder of holders) {
    const count = holder === undefined ? undefined : held.get(holder);
    if (holder !== undefined && count !== undefined) held.set(holder, count + 1);
  }
  const quotas = quotasOf(held, holders.length);
  const shares = holders.map((holder) => (holder !== undefined && take(quotas, holder) ? holder : undefined));
  return shares.map((holder) => holder ?? members.find((member) => take(quotas, member)));
}

/** Members that hold the most get the larger shares, so that the least moves. */
function quotasOf<Member>(held: ReadonlyMap<Member, number>, partitions: number): Map<Member, number> {
  const ranked = [...held].sort(([, left], [, right]) => right - left);
  const share = Math.floor(partitions / Math.max(ranked.length, 1));
  const larger = partitions % Math.max(ranked.length, 1);
  return new Map(ranked.map(([member], rank) => [member, rank < larger ? share + 1 : share]));
}

function take<Member>(quotas: Map<Member, number>, member: Member): boolean {
  const left = quotas.get(member) ?? 0;
  if (left > 0) quotas.set(member, left - 1);
  return left > 0;
}
