import { defer, map, type OperatorFunction } from 'rxjs';

import type { Document } from '../../schemas/document.js';
import type { Domain } from '../../schemas/domain.js';
import type { Given } from '../../schemas/given.js';
import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Plan } from '../../schemas/plan.js';
import type { Real } from '../../schemas/real.js';
import type { Seed } from '../../schemas/seed.js';
import type { Tick } from '../../schemas/tick.js';
import type { Changes, Outcome } from '../flow/outcome.js';
import { Material, type MaterialOptions } from './material.js';
import { type Drawn, planOf } from './plan-of.js';
import {
  afterLow,
  nextUnit,
  type PlannerState,
  startOfPlanning,
  type Unit,
  type WindowOptions,
  withEnding,
  withIssued,
  withTarget,
} from './planner.js';

export interface PlanOptions extends Omit<WindowOptions, 'domain'>, MaterialOptions {
  readonly domain: Domain;
  /** What the operator remembered when it was stopped. */
  readonly memory: ReadonlyMap<string, unknown>;
}

/** What the planner takes in: its inputs, what the lane shall have, and how its plans ended. */
export type PlanInput = Seed | Real | Document | Given | Tick | LedgerEntry;

const stateKey = 'planner';

/**
 * Inputs, targets and the ledger in, plans out.
 *
 * A tick with the reason `target` opens the lane: a window of plans goes out, and each ledger entry that ends a plan sends
 * the next one, until the target is accepted. A plan's label is the one that is furthest behind its share (`nextLabel`). Plan n depends
 * only on the options, on what the inputs had brought and on how the plans below the window's start ended; in which order later ones end
 * does not matter. Plans of a group go out together, and share all that is drawn. While something that a plan needs
 * is missing, none goes out; documents and given texts go round again only when a plan has ended. Real records and given texts that are
 * too long for a plan are dead (`record-too-large`).
 *
 * In memory: the seeds, the newest real records where examples are drawn from them (512), documents and given texts (10,000 of each,
 * at most 32 million characters each: 64 MB, and after a restart those of the memory until it ends), and the plans that ended out of
 * order (at most the window).
 *
 * @example
 * ```ts
 * const plans = inputs.pipe(plan({ domain, lane: 0, window: 8, examples: 3, seed: 7, memory: new Map() }), emitted());
 * ```
 */
export function plan(options: PlanOptions): OperatorFunction<PlanInput, Outcome<PlanInput, Plan>> {
  check(options);
  return (source) =>
    defer(() => {
      const material = new Material(options, options.memory);
      let state = (options.memory.get(stateKey) as PlannerState | undefined) ?? startOfPlanning;

      /** What an input gives rise to: plans, with the changes that they make, added to those of the input. */
      function take(input: PlanInput, made: Made): void {
        switch (input.kind) {
          case 'tick':
            if (input.reason === 'target') state = withTarget(state, input);
            if (input.reason === 'loaded') made.changes.push(...material.loaded(input));
            fill(true, made);
            return;
          case 'ledger-entry':
            state = withEnding(state, input);
            for (let later = afterLow(state); later !== undefined; later = afterLow(state)) {
              state = later;
              fill(true, made);
            }
            return;
          default:
            made.changes.push(...material.take(input));
            if (bringsPlans(input)) fill(false, made);
        }
      }

      /** Seeds of a file come with the target behind them; of a topic, plans begin when there are enough of them. */
      function bringsPlans(input: Seed | Real | Document | Given): boolean {
        if (input.kind !== 'seed') return true;
        return input.origin.topic !== undefined && material.seeds.length >= options.examples;
      }

      /** Plans up to the end of the window, as far as there is what they need. */
      function fill(mayRepeat: boolean, made: Made): void {
        for (let unit = nextUnit(options, state); unit !== undefined; unit = nextUnit(options, state)) {
          if (!material.ready(mayRepeat)) return;
          const { drawn, changes } = material.draw(unit);
          state = withIssued(state, unit, drawn.label);
          made.changes.push(...changes);
          made.plans.push(...plansOf(options, material, unit, drawn, state.at));
        }
      }

      return source.pipe(
        map((input): Outcome<PlanInput, Plan> => {
          const refusal = isMaterial(input) ? material.refusal(input) : undefined;
          if (refusal !== undefined) return { kind: 'dead', input, code: 'record-too-large', message: refusal };
          const before = state;
          const made: Made = { plans: [], changes: [] };
          take(input, made);
          const { plans } = made;
          const changes: Changes = state === before ? made.changes : [...made.changes, [stateKey, state]];
          return plans.length === 0
            ? { kind: 'absorbed', input, changes }
            : { kind: 'emitted', input, outputs: plans, changes };
        }),
      );
    });
}

function isMaterial(input: PlanInput): input is Seed | Real | Document | Given {
  return input.kind !== 'tick' && input.kind !== 'ledger-entry';
}

/** What an input gives rise to. */
interface Made {
  readonly plans: Plan[];
  readonly changes: (readonly [key: string, value: unknown])[];
}

function plansOf(
  options: PlanOptions,
  { seeds }: Material,
  { ordinal, size }: Unit,
  drawn: Drawn,
  at: number,
): readonly Plan[] {
  const number = ordinal / size;
  return Array.from({ length: size }, (_, place) => {
    const grouped = options.group === undefined ? drawn : { ...drawn, group: { number, place, size } };
    return planOf(options, seeds, ordinal + place, at, grouped);
  });
}

function check({ window, examples, group = 1, personas }: PlanOptions): void {
  for (const [name, value] of Object.entries({ window, examples, group })) {
    if (!Number.isInteger(value) || value < 1)
      throw new TypeError(`plan: ${name} must be a whole number from 1, not ${value}`);
  }
  if (personas?.length === 0) throw new TypeError('plan: personas must have one, or be left out');
}
