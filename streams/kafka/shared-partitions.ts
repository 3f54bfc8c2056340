import { HeadwaterError } from '../../schemas/errors.js';
import type { GroupOptions } from '../topics.js';
import type { TaskParts } from './kafka-task.js';

/** The partitions of a group's topics. Rejects with `topic-unknown`, or `topic-misfit` where they differ. */
export async function partitionsOf({ group, topics }: GroupOptions, parts: TaskParts): Promise<number> {
  const specs = await parts.persistence.persist(() => Promise.all(topics.map((topic) => parts.catalogue.spec(topic))));
  const [partitions, ...others] = new Set(specs.map((spec) => spec.partitions));
  if (partitions === undefined) throw new TypeError(`topics: the group '${group}' must consume at least one topic`);
  if (others.length === 0) return partitions;
  const text = `the topics ${topics.join(', ')} of the group '${group}' must have the same number of partitions`;
  throw new HeadwaterError('topic-misfit', text);
}
