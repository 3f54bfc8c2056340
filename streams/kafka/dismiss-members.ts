import type Cluster from 'kafkajs/src/cluster/index.js';

import { readingCluster } from './client.js';
import type { GroupMember } from './kafka-group.js';
import type { KafkaSettings } from './kafka-settings.js';
import { TopicNames } from './topic-names.js';

/**
 * Puts members of processes that died out of their groups at once, so that others take their partitions over without waiting for
 * the session timeout. Only for who knows that they are dead: one that lives would be put out, and join anew.
 */
export class MemberDismissal {
  readonly #cluster: Cluster;
  readonly #names: TopicNames;

  constructor(settings: KafkaSettings) {
    this.#cluster = readingCluster(settings);
    this.#names = new TopicNames(settings.prefix);
  }

  /** Ahead of the first death, which then need not wait for a connection. */
  async connect(): Promise<void> {
    await this.#cluster.connect();
  }

  /** Resolves when the brokers know; where they cannot be told, the session timeout tells them. */
  async dismiss(members: readonly GroupMember[]): Promise<void> {
    await Promise.allSettled(members.map((member) => this.#dismiss(member)));
  }

  close(): Promise<void> {
    return this.#cluster.disconnect();
  }

  async #dismiss({ group, memberId }: GroupMember): Promise<void> {
    if (!this.#cluster.isConnected()) await this.#cluster.connect();
    const groupId = this.#names.onCluster(group);
    const coordinator = await this.#cluster.findGroupCoordinator({ groupId });
    await coordinator.leaveGroup({ groupId, memberId });
  }
}
