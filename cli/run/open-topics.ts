import type { Recipe } from '../../schemas/recipe.js';
import type { BrokerState } from '../../streams/kafka/persistence.js';
import { openLog } from '../../streams/log/open-log.js';
import type { Topics } from '../../streams/topics.js';
import { kafkaSettings } from './kafka-settings.js';

export interface TopicsPlaces {
  /** The folder that paths in the recipe are relative to. */
  readonly base: string;
  /** Where the embedded log lies. */
  readonly topicsDir: string;
  /** Told when Kafka's brokers stop to answer, and when they do again. */
  readonly stateChanged?: (state: BrokerState) => void;
}

/** Opens the topics that a recipe names. */
export async function openTopics({ topics, name }: Recipe, places: TopicsPlaces): Promise<Topics> {
  if (topics.kind === 'log') return openLog({ dir: places.topicsDir });
  const { openKafka } = await import('../../streams/kafka/open-kafka.js');
  const settings = await kafkaSettings(topics, { name, base: places.base, environment: process.env });
  const { stateChanged } = places;
  return openKafka({ ...settings, ...(stateChanged === undefined ? {} : { stateChanged }) });
}
