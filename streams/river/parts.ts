import type { OperatorFunction } from 'rxjs';
import type { Embedder } from '../../operators/embedder.js';
import type { Outcome } from '../../operators/flow/outcome.js';
import type { Journal } from '../../operators/journal.js';
import type { LanguageModel } from '../../operators/language-model.js';
import { type Meter, silent } from '../../operators/meter.js';
import type { BenchmarkIndex } from '../../operators/quality/benchmark-index.js';
import type { DetectLanguage } from '../../operators/quality/language.js';
import type { AnyRecord } from '../../schemas/codec.js';
import type { IntakeParts } from '../intake/intake-stages.js';

/** A language model whose answers go to the journal of the task that asks. */
export type JournaledModel = (journal: Journal) => LanguageModel;

/** What the stages need from outside. */
export interface RiverParts {
  /** Undefined where the stages of this process ask none. */
  readonly base: JournaledModel | undefined;
  readonly instruct: JournaledModel | undefined;
  /** Where the recipe names no judge, the instruct model. */
  readonly judge?: JournaledModel | undefined;
  readonly embedder: Embedder | undefined;
  /** Texts that must not come up again; undefined where the recipe names none. */
  readonly benchmarks?: BenchmarkIndex | undefined;
  /** Undefined where the recipe names no language. */
  readonly detectLanguage?: DetectLanguage | undefined;
  readonly meter: Meter;
  /** The folder of the shards. */
  readonly shardDir: string;
  readonly intake: IntakeParts;
  /** Aborted when every lane has its samples: what is still on its way is surplus. */
  readonly complete: AbortSignal;
}

/** What a stage runs. */
export type StageOperator = OperatorFunction<AnyRecord, Outcome<AnyRecord, AnyRecord>>;

/** Parts for those who only ask how the stages are laid out. */
export const idleParts: RiverParts = {
  base: undefined,
  instruct: undefined,
  embedder: undefined,
  meter: silent,
  shardDir: '',
  intake: { registryPassword: () => Promise.reject(new TypeError('these stages are not to run')) },
  complete: new AbortController().signal,
};

/** A part that the stages of this process cannot do without. Throws `TypeError`. */
export function needed<Part>(part: Part | undefined, name: string): Part {
  if (part === undefined) throw new TypeError(`the stages of this process need models.${name}`);
  return part;
}
