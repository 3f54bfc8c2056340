import { setTimeout as delay } from 'node:timers/promises';

import { type Admin, AssignerProtocol, Kafka, logLevel } from 'kafkajs';

/** Small beside what a takeover takes. */
const lookEveryMs = 20;

/** A partition of a stage's group, such as `draft/1`. */
type Place = string;

/** Watches from outside who holds the partitions of a pipeline's stages, and what they commit. */
export class GroupWatch {
  private constructor(
    private readonly admin: Admin,
    private readonly prefix: string,
    private readonly stages: readonly string[],
  ) {}

  static async open(brokers: string[], prefix: string, stages: readonly string[]): Promise<GroupWatch> {
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    return new GroupWatch(admin, prefix, stages);
  }

  /** The partitions that the group says a client has. */
  async heldBy(clientId: string): Promise<readonly Place[]> {
    const { groups } = await this.admin.describeGroups(this.stages.map((stage) => this.#groupId(stage)));
    return groups.flatMap(({ groupId, members }) =>
      members
        .filter((member) => member.clientId.includes(clientId) && member.memberAssignment.length > 0)
        .flatMap(({ memberAssignment }) => {
          const { assignment = {} } = AssignerProtocol.MemberAssignment.decode(memberAssignment) ?? {};
          return Object.values(assignment).flat();
        })
        .map((partition) => `${groupId.slice(this.prefix.length + 1)}/${partition}`),
    );
  }

  /**
   * Milliseconds from now until each of the places belongs to a client and has committed something after that; rejects where one
   * has not by `limitMs`.
   */
  async untilTaken(places: readonly Place[], clientId: string, limitMs: number): Promise<ReadonlyMap<Place, number>> {
    const from = performance.now();
    const before = new Map<Place, number>();
    const took = new Map<Place, number>();
    while (took.size < places.length) {
      const [held, now] = [await this.heldBy(clientId), await this.#offsets()];
      const ms = performance.now() - from;
      for (const place of places.filter((each) => held.includes(each) && !took.has(each))) {
        const [at, offset] = [before.get(place), now.get(place) ?? 0];
        if (at === undefined) before.set(place, offset);
        else if (offset !== at) took.set(place, ms);
      }
      if (ms >= limitMs) {
        throw new Error(`${places.filter((place) => !took.has(place)).join(', ')} committed nothing in ${limitMs} ms`);
      }
      // Each look is two requests a stage, to a broker that has a takeover to manage.
      await delay(lookEveryMs);
    }
    return took;
  }

  async close(): Promise<void> {
    await this.admin.disconnect();
  }

  /** The sum of all committed offsets of a place: it only grows. */
  async #offsets(): Promise<ReadonlyMap<Place, number>> {
    const sums = new Map<Place, number>();
    for (const stage of this.stages) {
      for (const { partitions } of await this.admin.fetchOffsets({ groupId: this.#groupId(stage) })) {
        for (const { partition, offset } of partitions) {
          const place = `${stage}/${partition}`;
          sums.set(place, (sums.get(place) ?? 0) + Math.max(0, Number(offset)));
        }
      }
    }
    return sums;
  }

  #groupId(stage: string): string {
    return `${this.prefix}.${stage}`;
  }
}
