import { map } from 'rxjs';

import type { Outcome } from '../../operators/flow/outcome.js';
import type { AnyRecord } from '../../schemas/codec.js';
import { recordId } from '../../schemas/ids.js';
import { type ForeignTopicConfig, isForeignTopic, type Recipe } from '../../schemas/recipe.js';
import { type InputKind, inputKinds } from '../inputs/to-record.js';
import { foreignTopic } from '../kafka/topic-names.js';
import type { Stage } from '../stage/stage.js';
import type { StoredMessage } from '../topics.js';
import { type DecoderParts, foreignDecoder } from './foreign-decoder.js';

/** What intake stages need from outside. */
export interface IntakeParts extends DecoderParts {
  /** By what name the transport knows a topic of others. @default with the mark that keeps it without prefix */
  readonly topicName?: (topic: string) => string;
}

export type IntakeStageName = `intake.${InputKind}`;

/** The names of the intake stages that a recipe needs. */
export function intakeStageNames({ inputs }: Recipe): readonly IntakeStageName[] {
  return inputKinds.filter((kind) => isForeignTopic(inputs[kind])).map((kind): IntakeStageName => `intake.${kind}`);
}

/**
 * A stage for each input that is a topic of others: it turns their messages into records on our own topic, exactly once. Tasks
 * follow their partitions, records our lanes. Throws `recipe-invalid` for a mapping that cannot be.
 */
export function intakeStages(recipe: Recipe, parts: IntakeParts): readonly Stage[] {
  return inputKinds.flatMap((kind) => {
    const input = recipe.inputs[kind];
    return isForeignTopic(input) ? [intakeStage(kind, input, recipe, parts)] : [];
  });
}

function intakeStage(kind: InputKind, input: ForeignTopicConfig, recipe: Recipe, parts: IntakeParts): Stage {
  const name: IntakeStageName = `intake.${kind}`;
  const { topicName = foreignTopic } = parts;
  const lanes = recipe.topics.partitions;
  return {
    name,
    inputs: [topicName(input.topic)],
    credit: 2048,
    stateful: false,
    journaled: false,
    from: input.from,
    decode: foreignDecoder(name, kind, input, recipe.domain, parts),
    lanesOf: (record, cause) => (record.kind === 'seed' ? everyLane(lanes) : [laneOf(cause, lanes)]),
    operator: () => map(taken),
  };
}

/** A tombstone comes in as the dead letter that it would have been. */
function taken(input: AnyRecord): Outcome<AnyRecord, AnyRecord> {
  if (input.kind === 'dead-letter') return { kind: 'dropped', input, reason: input.code };
  return { kind: 'emitted', input, outputs: [input] };
}

/** Messages of one key stay together; those without are spread. */
export function laneOf({ key, partition, offset }: StoredMessage, lanes: number): number {
  const hash = key === null ? recordId('lane', partition, offset) : recordId('lane', key);
  return Number.parseInt(hash.slice(0, 12), 16) % lanes;
}

function everyLane(lanes: number): readonly number[] {
  return Array.from({ length: lanes }, (_, lane) => lane);
}
