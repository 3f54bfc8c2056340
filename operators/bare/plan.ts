import { concatMap, type OperatorFunction } from 'rxjs';

import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Example, Plan } from '../../schemas/plan.js';
import type { Seed } from '../../schemas/seed.js';
import type { Tick } from '../../schemas/tick.js';
import type { Outcome } from '../flow/outcome.js';
import { type PlannerOptions, type PlannerState, planNext, startOfPlanning } from './planner.js';

export interface PlanOptions extends PlannerOptions {
  /** What the operator remembered when it was stopped. */
  readonly memory: ReadonlyMap<string, unknown>;
}

const stateKey = 'planner';
const seedKey = 'seed/';

/**
 * Seeds, targets and the ledger in, plans out.
 *
 * A tick with the reason `target` opens the lane: a window of plans goes out, and each ledger entry that ends a plan sends
 * the next one, until the target is accepted. Plan n depends only on the options, the seeds and n; how many plans there are
 * does not depend on timing. In memory: the seeds, and the ordinals that ended out of order (at most the window).
 *
 * @example
 * ```ts
 * const plans = inputs.pipe(plan({ domain, lane: 0, window: 8, examples: 3, seed: 7, memory: new Map() }), emitted());
 * ```
 */
export function plan(
  options: PlanOptions,
): OperatorFunction<Seed | Tick | LedgerEntry, Outcome<Seed | Tick | LedgerEntry, Plan>> {
  check(options);
  return (source) => {
    const seeds = restoredSeeds(options.memory);
    let state = (options.memory.get(stateKey) as PlannerState | undefined) ?? startOfPlanning;

    return source.pipe(
      concatMap((input): readonly Outcome<Seed | Tick | LedgerEntry, Plan>[] => {
        if (input.kind === 'seed') {
          const example = exampleOf(input);
          seeds.push(example);
          return [{ kind: 'absorbed', input, changes: [[`${seedKey}${seeds.length - 1}`, example]] }];
        }
        const planned = planNext(options, state, seeds, input);
        state = planned.state;
        const changes = [[stateKey, state]] as const;
        if (planned.plans.length === 0) return [{ kind: 'absorbed', input, changes }];
        return [{ kind: 'emitted', input, outputs: planned.plans, changes }];
      }),
    );
  };
}

function exampleOf({ id, fields, label, vary }: Seed): Example {
  return { id, fields, ...(label === undefined ? {} : { label }), vary };
}

function restoredSeeds(memory: ReadonlyMap<string, unknown>): Example[] {
  const seeds: Example[] = [];
  for (let i = 0; memory.has(`${seedKey}${i}`); i++) seeds.push(memory.get(`${seedKey}${i}`) as Example);
  return seeds;
}

function check({ window, examples }: PlanOptions): void {
  for (const [name, value] of Object.entries({ window, examples })) {
    if (!Number.isInteger(value) || value < 1)
      throw new TypeError(`plan: ${name} must be a whole number from 1, not ${value}`);
  }
}
