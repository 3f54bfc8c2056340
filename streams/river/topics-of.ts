import type { InputConfig, Recipe } from '../../schemas/recipe.js';
import { journalTopic, type Stage, stateTopic } from '../stage/stage.js';
import type { TopicSpec } from '../topics.js';

/** Topics whose one partition gathers what all lanes write. */
export const gatheredTopics: readonly string[] = ['shards'];

const lanes = [
  'seeds',
  'real',
  'documents',
  'plans',
  'drafts',
  'refined',
  'samples',
  'corrections',
  'ledger',
  'dead-letters',
];

/** The topics that a recipe's river needs. Retention, where the recipe asks for it, is for what flows, not for what counts. */
export function topicsOf({ topics, inputs }: Recipe, stages: readonly Stage[]): readonly TopicSpec[] {
  const { partitions } = topics;
  const retention = retentionOf(topics.retention);
  const flowing = new Set(['real', ...topicOf(inputs.real), 'plans', 'drafts', 'refined', 'samples', 'corrections']);
  const named = [inputs.seeds, inputs.real, inputs.documents].flatMap(topicOf);
  return [
    ...[...new Set([...lanes, ...named])].map((name) => ({
      name,
      partitions,
      cleanup: 'delete' as const,
      ...(flowing.has(name) ? retention : {}),
    })),
    ...gatheredTopics.map((name) => ({ name, partitions: 1, cleanup: 'delete' as const })),
    ...stages.flatMap((stage) => topicsOfStage(stage, partitions, retention)),
  ];
}

/** The topic that an input is taken from, where it is one. */
function topicOf(input: InputConfig | undefined): readonly string[] {
  return typeof input === 'object' && 'topic' in input ? [input.topic] : [];
}

/** Partitions of a stage's tasks: one where it consumes a gathered topic. */
function topicsOfStage(stage: Stage, lanes: number, retention: Pick<TopicSpec, 'retention'>): readonly TopicSpec[] {
  const partitions = stage.inputs.some((topic) => gatheredTopics.includes(topic)) ? 1 : lanes;
  const state: TopicSpec = { name: stateTopic(stage.name), partitions, cleanup: 'compact' };
  const journal: TopicSpec = { name: journalTopic(stage.name), partitions, cleanup: 'delete', ...retention };
  return stage.journaled ? [state, journal] : [state];
}

function retentionOf(retention: Recipe['topics']['retention']): Pick<TopicSpec, 'retention'> {
  if (retention === undefined) return {};
  const { bytes, age } = retention;
  return { retention: { ...(bytes === undefined ? {} : { bytes }), ...(age === undefined ? {} : { ageMs: age }) } };
}
