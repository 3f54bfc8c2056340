import type { Recipe } from '../../schemas/recipe.js';
import type { KafkaOptions } from '../../streams/kafka/open-kafka.js';
import { openLog } from '../../streams/log/open-log.js';
import type { Topics } from '../../streams/topics.js';
import { kafkaSettings } from './kafka-settings.js';

/** What is told of Kafka: the brokers' state, and the memberships of this process. */
export type TopicsHooks = Pick<KafkaOptions, 'stateChanged' | 'memberJoined'>;

export interface TopicsPlaces {
  /** The folder that paths in the recipe are relative to. */
  readonly base: string;
  /** Where the embedded log lies. */
  readonly topicsDir: string;
  readonly hooks?: TopicsHooks;
}

/** Opens the topics that a recipe names. */
export async function openTopics({ topics, name }: Recipe, places: TopicsPlaces): Promise<Topics> {
  if (topics.kind === 'log') return openLog({ dir: places.topicsDir });
  const { openKafka } = await import('../../streams/kafka/open-kafka.js');
  const settings = await kafkaSettings(topics, { name, base: places.base, environment: process.env });
  return openKafka({ ...settings, ...places.hooks });
}
