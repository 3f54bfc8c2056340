import type { OperatorFunction } from 'rxjs';
import type { Outcome } from '../../operators/flow/outcome.js';
import type { Journal } from '../../operators/journal.js';
import type { AnyRecord } from '../../schemas/codec.js';
import type { GroupOptions, StoredMessage } from '../topics.js';

/** What an operator is given when a stage starts it on a partition. */
export interface StageContext {
  readonly partition: number;
  /** What the operator's memory held at the last commit, by key. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** Answers paid for and not yet used in a commit. */
  readonly journal: Journal;
  /** Where an input lies on its topic. */
  readonly positionOf: (input: AnyRecord) => Position | undefined;
}

export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** An arrow of the river: what is consumed, the operator, and how much of it may be in flight. */
export interface Stage {
  /** Also the name of its consumer group, its state topic and its journal. */
  readonly name: string;
  /** Topics whose partition p is consumed together by one task. */
  readonly inputs: readonly string[];
  /** Records of one input that may be inside the operator, or wait for their commit, at once in a partition. */
  readonly credit: number;
  /** The same in bytes. @default 64 MiB */
  readonly creditBytes?: number;
  /** Whether the operator has memory: then outcomes are committed in the order in which it made them. */
  readonly stateful: boolean;
  /** Whether the operator asks models, so that a journal is kept. */
  readonly journaled: boolean;
  /** The topic to which the ticks go that the operator emits. @default `ticks` */
  readonly ticksTo?: string;
  /** Whether the ledger entry of a sample names the correction that came with it. @default false */
  readonly tellsCorrections?: boolean;
  /** Topics of one partition, to which the tasks of all partitions write. */
  readonly gatheredIn?: readonly string[];
  /**
   * Reads a message that others wrote; those of a topic are read one after the other. Rejects with a code of `ownFaults` where
   * the message is at fault, which then becomes a dead letter; any other error ends the stage. @default our own codec
   */
  readonly decode?: (message: StoredMessage, signal: AbortSignal) => Promise<AnyRecord>;
  /** The partitions to which a record goes that came of a message. @default the task's own */
  readonly lanesOf?: (record: AnyRecord, cause: StoredMessage) => readonly number[];
  /** Where the stage begins on a topic of which it has committed nothing. @default earliest */
  readonly from?: GroupOptions['from'];
  readonly operator: (context: StageContext) => OperatorFunction<AnyRecord, Outcome<AnyRecord, AnyRecord>>;
}

/** The compacted topic that holds a stage's memory. */
export function stateTopic(stage: string): string {
  return `state.${stage}`;
}

const journalPrefix = 'journal.';

/** The topic that holds the answers a stage has paid for. */
export function journalTopic(stage: string): string {
  return `${journalPrefix}${stage}`;
}

/** Whether a topic is the journal of a stage. */
export function isJournal(topic: string): boolean {
  return topic.startsWith(journalPrefix);
}
