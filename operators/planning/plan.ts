import { defer, map, type OperatorFunction } from 'rxjs';

import type { Correction } from '../../schemas/correction.js';
import type { Document } from '../../schemas/document.js';
import type { Domain } from '../../schemas/domain.js';
import type { Given } from '../../schemas/given.js';
import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Plan } from '../../schemas/plan.js';
import type { Real } from '../../schemas/real.js';
import type { Seed } from '../../schemas/seed.js';
import type { Tick } from '../../schemas/tick.js';
import type { Changes, Outcome } from '../flow/outcome.js';
import type { EmbeddedReal } from '../synalign/embedded-real.js';
import { HeldCorrections } from './held-corrections.js';
import { Material, type MaterialOptions, type MaterialRecord } from './material.js';
import { type Drawn, planOf } from './plan-of.js';
import {
  afterLow,
  dueCorrection,
  nextUnit,
  type PlannerState,
  startOfPlanning,
  type Unit,
  type WindowOptions,
  withEnding,
  withIssued,
  withTarget,
} from './planner.js';

export interface PlanOptions extends Omit<WindowOptions, 'domain'>, Omit<MaterialOptions, 'followed'> {
  readonly domain: Domain;
  /** Whether attributes will stand in place of the examples: then a plan brings seeds that show the format. @default false */
  readonly reasons?: boolean;
  /** What the operator remembered when it was stopped. */
  readonly memory: ReadonlyMap<string, unknown>;
}

/** What the planner takes in: its inputs, what the lane shall have, and how its plans ended. */
export type PlanInput = Seed | Real | EmbeddedReal | Document | Given | Tick | LedgerEntry | Correction;

const stateKey = 'planner';

/**
 * Inputs, targets and the ledger in, plans out.
 *
 * A tick with the reason `target` opens the lane: a window of plans goes out, and each ledger entry that ends a plan sends
 * the next one, until the target is accepted. A plan's label is the one that is furthest behind its share (`nextLabel`). Plan n depends
 * only on the options, on what the inputs had brought and on how the plans below the window's start ended; in which order later ones end
 * does not matter. Plans of a group go out together, and share all that is drawn. While something that a plan needs
 * is missing, none goes out; documents and given texts go round again only when a plan has ended. Real records and given texts that are
 * too long for a plan are dead (`record-too-large`), embeddings that cannot be explored `record-invalid`; where a file has nothing else, its end
 * errors the stream (`input-unreadable`).
 *
 * With `explore`, real records come embedded, and an `Exploration` picks the examples. Where it is steered, a correction is heeded when the
 * plan is counted whose sample it came with, which that plan's ledger entry says: so it does not matter either when corrections
 * arrive. Plans wait for one that is on its way.
 *
 * In memory: the seeds, the newest real records where examples are drawn from them (512), documents and given texts (10,000 of each,
 * at most 32 million characters each: 64 MB, and after a restart those of the memory until it ends), and the plans that ended out of
 * order (at most the window); what `Exploration` keeps, and a correction for each open sample at most.
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
      const { label } = options.domain;
      const followed = label?.shares === 'real' && options.explore !== undefined ? label.values : undefined;
      const material = new Material({ ...options, followed }, options.memory);
      const corrections = new HeldCorrections(options.memory);
      const steers = options.explore !== undefined && options.explore.steer !== 'off';
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
            countEndings(made);
            return;
          case 'correction':
            if (!steers) return;
            made.changes.push(...corrections.hold(input));
            // One whose sample was counted before, a dead letter that was put back, has no turn to wait for.
            if (input.synthetic.lastOrdinal < state.low) heed(input.id, made);
            else countEndings(made);
            return;
          default:
            made.changes.push(...material.take(input));
            if (bringsPlans(input)) fill(false, made);
        }
      }

      /** Counts plans in their order, as far as they have ended and the corrections that came with them are there. */
      function countEndings(made: Made): void {
        for (let later = afterLow(state, label); later !== undefined; later = afterLow(state, label)) {
          const due = steers ? dueCorrection(state) : undefined;
          if (due !== undefined) {
            if (!corrections.has(due)) return;
            heed(due, made);
          }
          state = later;
          fill(true, made);
        }
      }

      function heed(id: string, made: Made): void {
        const { correction, changes } = corrections.take(id);
        made.changes.push(...changes, ...material.steer(correction));
      }

      /** Seeds of a file come with the target behind them; of a topic, plans begin when there are enough of them. */
      function bringsPlans(input: MaterialRecord): boolean {
        if (input.kind !== 'seed') return true;
        return input.origin.topic !== undefined && material.seeds.length >= options.examples;
      }

      /** Plans up to the end of the window, as far as there is what they need. */
      function fill(mayRepeat: boolean, made: Made): void {
        for (let unit = next(); unit !== undefined; unit = next()) {
          if (!material.ready(mayRepeat)) return;
          const { drawn, changes } = material.draw(unit);
          state = withIssued(state, unit, drawn.label, label?.values);
          made.changes.push(...changes);
          made.plans.push(...plansOf(options, material, unit, drawn, state.at));
        }
      }

      function next(): Unit | undefined {
        return nextUnit(options, state, material.realShares);
      }

      return source.pipe(
        map((input): Outcome<PlanInput, Plan> => {
          const refusal = isMaterial(input) ? material.refusal(input) : undefined;
          if (refusal !== undefined) return { kind: 'dead', input, ...refusal };
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

function isMaterial(input: PlanInput): input is MaterialRecord {
  return input.kind !== 'tick' && input.kind !== 'ledger-entry' && input.kind !== 'correction';
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
