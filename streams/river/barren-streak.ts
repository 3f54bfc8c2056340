import { HeadwaterError } from '../../schemas/errors.js';
import type { Committed } from '../stage/run-task.js';
import { lineKinds } from './dead-streak.js';

/**
 * Notices a river that accepts nothing, as with a `match` that no text fulfils: the planner would send plans, and models would
 * be paid, for ever. Counts the lines that were dropped or died since the last accepted one; surplus does not count.
 */
export class BarrenStreak {
  readonly #reasons = new Map<string, number>();
  #ended = 0;

  /** @param limit lines without an accepted one after which a river gives up */
  constructor(private readonly limit: number) {}

  /** Takes what was committed; an error with code `nothing-accepted` when the limit is reached, else undefined. */
  after({ stage, outcomes }: Pick<Committed, 'stage' | 'outcomes'>): HeadwaterError | undefined {
    for (const outcome of outcomes) {
      if (!lineKinds.has(outcome.input.kind)) continue;
      if (outcome.kind === 'emitted' && outcome.outputs.some(({ kind }) => kind === 'sample')) this.#clear();
      else if (outcome.kind === 'dropped' && outcome.reason !== 'surplus') this.#count(`${stage}/${outcome.reason}`);
      else if (outcome.kind === 'dead') this.#count(`${stage}/${outcome.code}`);
    }
    return this.#ended >= this.limit ? this.#error() : undefined;
  }

  #count(reason: string): void {
    this.#ended++;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  #clear(): void {
    this.#ended = 0;
    this.#reasons.clear();
  }

  #error(): HeadwaterError {
    const reasons = [...this.#reasons].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${reason} ${count}`);
    const text = `${this.#ended} plans in a row ended without a sample (${reasons.slice(0, 3).join(', ')})`;
    return new HeadwaterError(
      'nothing-accepted',
      `${text}: look at what models write with \`headwater tail drafts\`, mend the recipe or its seeds, and start again`,
    );
  }
}
