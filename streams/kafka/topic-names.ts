const foreignMark = '@';

/** The name by which a pipeline speaks of a topic that is not its own: taken without prefix, and never created. */
export function foreignTopic(name: string): string {
  return `${foreignMark}${name}`;
}

/** How a pipeline's names are spelled on the cluster, which it may share with others. */
export class TopicNames {
  constructor(readonly prefix: string) {}

  /** Of a topic, group or transactional id. */
  onCluster(name: string): string {
    return name.startsWith(foreignMark) ? name.slice(foreignMark.length) : `${this.prefix}.${name}`;
  }

  /** The pipeline's name of its own topic; undefined for those of others. */
  ours(onCluster: string): string | undefined {
    const start = `${this.prefix}.`;
    return onCluster.startsWith(start) ? onCluster.slice(start.length) : undefined;
  }
}

export function isForeign(name: string): boolean {
  return name.startsWith(foreignMark);
}

/** A topic's name as people know it. */
export function plainName(name: string): string {
  return isForeign(name) ? name.slice(foreignMark.length) : name;
}
