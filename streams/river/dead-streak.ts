import type { Outcome } from '../../operators/flow/outcome.js';
import type { AnyRecord, Kind } from '../../schemas/codec.js';
import { type ErrorCode, errorCodes, HeadwaterError } from '../../schemas/errors.js';
import type { Committed } from '../stage/run-task.js';

/** The records that stand for a plan on its way. */
export const lineKinds: ReadonlySet<Kind> = new Set(['plan', 'reasoned', 'draft', 'refined']);

/**
 * Notices a stage in which every plan's line dies, as they do when an endpoint is gone for good.
 *
 * The planner sends a new plan for each one that ends, so such a river would go on for ever. A stage's streak ends with any
 * line that fares otherwise there; inputs from outside, which die without a plan behind them, do not count.
 */
export class DeadStreak {
  readonly #dead = new Map<string, number>();

  /** @param limit lines that die in a row before a river gives up */
  constructor(private readonly limit: number) {}

  /** Takes what was committed; an error with the code of the last death when the limit is reached, else undefined. */
  after({ stage, outcomes }: Pick<Committed, 'stage' | 'outcomes'>): HeadwaterError | undefined {
    for (const outcome of outcomes) {
      if (!lineKinds.has(outcome.input.kind)) continue;
      if (outcome.kind !== 'dead') {
        this.#dead.delete(stage);
        continue;
      }
      const dead = (this.#dead.get(stage) ?? 0) + 1;
      this.#dead.set(stage, dead);
      if (dead >= this.limit) return hopeless(stage, dead, outcome);
    }
    return undefined;
  }
}

type Death = Extract<Outcome<AnyRecord, AnyRecord>, { readonly kind: 'dead' }>;

function hopeless(stage: string, dead: number, { code, message }: Death): HeadwaterError {
  const why = `stage ${stage}: ${dead} records in a row became dead letters, the last because ${message}`;
  const text = `${why}; what was made is kept: mend this, then start again`;
  return new HeadwaterError(isErrorCode(code) ? code : 'operator-failed', text);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}
