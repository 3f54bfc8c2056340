import { type InputConfig, isForeignTopic, type Recipe } from '../../schemas/recipe.js';
import { journalTopic, type Stage, stateTopic } from '../stage/stage.js';
import type { TopicSpec } from '../topics.js';
import { loadTopic } from './load-progress.js';
import { pipelineTopic } from './pipeline-identity.js';
import { workersTopic } from './workers.js';

/** Topics whose one partition gathers what all lanes write. */
export const gatheredTopics: readonly string[] = ['shards'];

const lanes = [
  'seeds',
  'real',
  'documents',
  'given',
  'plans',
  'reasoned',
  'drafts',
  'refined',
  'samples',
  'corrections',
  'quality',
  'verdicts',
  'ticks',
  'ledger',
  'dead-letters',
];

/**
 * The topics that a recipe's river needs; `partitionsOf` tells how many partitions a topic of others has. Retention, where the recipe
 * asks for it, is for what flows, not for what counts.
 */
export function topicsOf(
  { topics, inputs, steps }: Recipe,
  stages: readonly Stage[],
  partitionsOf: ReadonlyMap<string, number> = new Map(),
): readonly TopicSpec[] {
  const { partitions } = topics;
  const retention = retentionOf(topics.retention);
  const named = [inputs.seeds, inputs.real, inputs.documents, inputs.drafts].flatMap((input) => ownTopic(input) ?? []);
  const real = ownTopic(inputs.real) ?? 'real';
  const flowing = new Set([
    'real',
    real,
    'plans',
    'reasoned',
    'drafts',
    'refined',
    'samples',
    // The planner waits for each one that it was told of.
    ...(steps.steer === 'off' ? ['corrections'] : []),
    'quality',
    'verdicts',
  ]);
  return [
    ...[...new Set([...lanes, ...named])].map((name) => ({
      name,
      partitions,
      cleanup: 'delete' as const,
      ...(flowing.has(name) ? retention : {}),
    })),
    ...gatheredTopics.map((name) => ({ name, partitions: 1, cleanup: 'delete' as const })),
    pipelineTopic,
    loadTopic,
    workersTopic,
    ...stages.flatMap((stage) => {
      const [foreign] = stage.inputs.flatMap((topic) => partitionsOf.get(topic) ?? []);
      return topicsOfStage(stage, foreign ?? partitions, retention);
    }),
  ];
}

/** The topic of our own records that an input is taken from, where the recipe names one. */
export function ownTopic(input: InputConfig | undefined): string | undefined {
  return typeof input === 'object' && 'topic' in input && !isForeignTopic(input) ? input.topic : undefined;
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
