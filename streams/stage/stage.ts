import type { OperatorFunction } from 'rxjs';
import type { Outcome } from '../../operators/flow/outcome.js';
import type { Journal } from '../../operators/journal.js';
import type { AnyRecord } from '../../schemas/codec.js';

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
  /** Records that may be inside the operator, or wait for their commit, at once in a partition. */
  readonly credit: number;
  /** Whether the operator asks models, so that a journal is kept. */
  readonly journaled: boolean;
  readonly operator: (context: StageContext) => OperatorFunction<AnyRecord, Outcome<AnyRecord, AnyRecord>>;
}
