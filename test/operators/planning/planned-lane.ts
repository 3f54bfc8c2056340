import { Subject, type Subscription } from 'rxjs';

import { type PlanInput, type PlanOptions, plan } from '../../../operators/planning/plan.js';
import { recordId } from '../../../schemas/ids.js';
import type { LedgerEntry } from '../../../schemas/ledger-entry.js';
import type { Plan } from '../../../schemas/plan.js';
import type { Tick } from '../../../schemas/tick.js';

export type LaneOptions = Omit<PlanOptions, 'memory'>;

/** A planner whose memory is kept as a stage keeps it: as the JSON of each key's newest change. */
export class PlannedLane {
  /** All plans so far. */
  readonly plans: Plan[] = [];
  /** Of them, those that have not ended. */
  open: readonly Plan[] = [];
  /** What the planner ended with. */
  failure: unknown;
  readonly #memory = new Map<string, string>();
  #inputs = new Subject<PlanInput>();
  #running: Subscription | undefined;

  constructor(private readonly options: LaneOptions) {
    this.restart();
  }

  /** Entries of the memory. */
  get remembered(): number {
    return this.#memory.size;
  }

  /** Another process goes on with what was committed. */
  restart(): void {
    this.#running?.unsubscribe();
    this.#inputs = new Subject();
    const memory = new Map([...this.#memory].map(([key, json]) => [key, JSON.parse(json)]));
    this.#running = this.#inputs.pipe(plan({ ...this.options, memory })).subscribe({
      error: (error) => (this.failure = error),
      next: (outcome) => {
        for (const [key, value] of outcome.changes ?? []) {
          if (value === null) this.#memory.delete(key);
          else this.#memory.set(key, JSON.stringify(value));
        }
        if (outcome.kind !== 'emitted') return;
        this.plans.push(...outcome.outputs);
        this.open = [...this.open, ...outcome.outputs];
      },
    });
  }

  /** Gives the planner inputs; the plans that they brought. */
  take(...inputs: readonly PlanInput[]): readonly Plan[] {
    const before = this.plans.length;
    for (const input of inputs) this.#inputs.next(input);
    return this.plans.slice(before);
  }

  /** Ends a plan that is out; the plans that this brought. */
  end(plan: Plan, outcome: LedgerEntry['outcome']): readonly Plan[] {
    this.open = this.open.filter((other) => other !== plan);
    return this.take(endingOf(plan, outcome));
  }
}

export function endingOf({ id, lane, ordinal, label }: Plan, outcome: LedgerEntry['outcome']): LedgerEntry {
  return {
    kind: 'ledger-entry',
    id: recordId('ledger-entry', id),
    lane,
    ordinal,
    planId: id,
    subject: id,
    stage: 'align',
    ...(label === undefined ? {} : { label }),
    outcome,
    promptTokens: 0,
    completionTokens: 0,
    cost: 0,
    at: 2,
  };
}

export function targetTick(total: number | null, labels?: Readonly<Record<string, number>>): Tick {
  const id = recordId('tick', total ?? 'endless');
  return { kind: 'tick', id, lane: 0, reason: 'target', total, at: 1, ...(labels === undefined ? {} : { labels }) };
}

export function loadedTick(input: 'documents' | 'drafts'): Tick {
  return { kind: 'tick', id: recordId('tick', input), lane: 0, reason: 'loaded', input, total: 0, at: 1 };
}

/** What becomes of plans, and in which order they end. */
export interface Fate {
  /** Whether a plan's text passes the gate. */
  readonly passes: (plan: Plan) => boolean;
  /** Which of so many plans that can end is the next to do so. */
  readonly pick: (choices: number) => number;
  /** Called before each ending. */
  readonly between?: (lane: PlannedLane, endings: number) => void;
}

/**
 * Ends plans until none is out, as a river does: a drop may come at any time, an acceptance only when every lower ordinal has
 * ended. What is beyond the target, or beyond its share of a label, is dropped. Gives the accepted plans.
 */
export function runLane(lane: PlannedLane, { total, labels }: Tick, fate: Fate): readonly Plan[] {
  const accepted: Plan[] = [];
  const wanted = ({ label }: Plan) => {
    if (total !== null && accepted.length >= total) return false;
    if (label === undefined || labels === undefined) return true;
    return accepted.filter((other) => other.label === label).length < (labels[label] ?? 0);
  };
  for (let endings = 0; lane.open.length > 0; endings++) {
    if (endings > 20_000) throw new Error('the lane does not come to its end');
    fate.between?.(lane, endings);
    const lowest = Math.min(...lane.open.map(({ ordinal }) => ordinal));
    // Whether a text is surplus is known at its turn, too.
    const endable = lane.open.filter((plan) => plan.ordinal === lowest || !fate.passes(plan));
    const plan = endable[fate.pick(endable.length)];
    if (plan === undefined) throw new Error('nothing can end');
    const kept = fate.passes(plan) && wanted(plan);
    if (kept) accepted.push(plan);
    lane.end(plan, kept ? 'accepted' : 'dropped');
  }
  return accepted;
}
