import type { Outcome } from '../../operators/flow/outcome.js';
import { type AnyRecord, schemaOf } from '../../schemas/codec.js';
import type { HeadwaterError } from '../../schemas/errors.js';
import { recordMessage } from '../record-message.js';
import type { Message, StoredMessage, Task, Topics } from '../topics.js';
import { valueLimit } from '../value-limit.js';
import { deadLetter } from './dead-letters.js';
import { endings } from './endings.js';
import type { Result } from './results.js';
import type { Stage } from './stage.js';

/** Where an input ends. */
interface Ending {
  readonly stage: Stage;
  readonly task: Pick<Task, 'partition'>;
  readonly topics: Pick<Topics, 'limits'>;
}

/** What is written for an outcome of a message: outputs, ledger entries, a dead letter. A record that no topic takes dies, instead of the stage. */
export function resultOf(ending: Ending, message: StoredMessage, outcome: Outcome<AnyRecord, AnyRecord>): Result {
  const { name } = ending.stage;
  const records: AnyRecord[] = [...endings(ending.stage, outcome)];
  if (outcome.kind === 'emitted') records.unshift(...outcome.outputs);
  if (outcome.kind === 'dead') records.push(deadLetter(name, message, outcome.code, outcome.message));
  return ofTakenSize(ending, message, written(ending, message, outcome, records));
}

/** The same for a message that is no record. */
export function buried(ending: Ending, message: StoredMessage, { code, message: reason }: HeadwaterError): Result {
  const letter = deadLetter(ending.stage.name, message, code, reason);
  const outcome = { kind: 'dead', input: letter, code, message: reason } as const;
  return ofTakenSize(ending, message, written(ending, message, outcome, [letter]));
}

function ofTakenSize(ending: Ending, message: StoredMessage, result: Result): Result {
  const limit = valueLimit(ending.topics);
  const large = result.messages.find(({ value }) => value !== null && value.byteLength > limit);
  if (large === undefined) return result;
  const { name } = ending.stage;
  const bytes = large.value?.byteLength ?? 0;
  const reason = `a record of ${bytes} bytes for ${large.topic}, which takes ${limit}: raise its max.message.bytes`;
  const { input, changes = [] } = result.outcome;
  const dead = { kind: 'dead', input, changes, code: 'record-too-large', message: reason } as const;
  return written(ending, message, dead, [...endings(ending.stage, dead), deadLetter(name, message, dead.code, reason)]);
}

function written(
  ending: Ending,
  cause: StoredMessage,
  outcome: Outcome<AnyRecord, AnyRecord>,
  records: readonly AnyRecord[],
): Result {
  return { outcome, messages: records.flatMap((record) => messagesOf(ending, record, cause)) };
}

function messagesOf({ stage, task }: Ending, record: AnyRecord, cause: StoredMessage): readonly Message[] {
  const topic = (record.kind === 'tick' ? stage.ticksTo : undefined) ?? schemaOf(record.kind).topic;
  const lanes = stage.gatheredIn?.includes(topic) ? [0] : (stage.lanesOf?.(record, cause) ?? [task.partition]);
  return lanes.map((lane) => recordMessage(topic, lane, record));
}
