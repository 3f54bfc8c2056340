import type { Domain } from '../../schemas/domain.js';
import { recordId } from '../../schemas/ids.js';
import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Example, Plan } from '../../schemas/plan.js';
import type { Seed } from '../../schemas/seed.js';
import type { Tick } from '../../schemas/tick.js';
import { radicalInverse } from '../kernels/radical-inverse.js';
import { hashFloat, hashUint32 } from '../kernels/random.js';

export interface PlannerOptions {
  readonly domain: Domain;
  readonly lane: number;
  /** Plans outstanding at once, at most. */
  readonly window: number;
  /** Seeds that a plan shows. */
  readonly examples: number;
  /** All randomness. */
  readonly seed: number;
}

/** What the planner of one lane remembers, beside the seeds. */
export interface PlannerState {
  /** The ordinal of the next plan. */
  readonly next: number;
  /** Every ordinal below has ended. */
  readonly low: number;
  /** Ordinals from `low` on that have ended; never more than the window. */
  readonly ended: readonly number[];
  readonly accepted: number;
  /** Samples that the lane shall have; null: endless; undefined: not told yet. */
  readonly total?: number | null;
}

export const startOfPlanning: PlannerState = { next: 0, low: 0, ended: [], accepted: 0 };

export interface Planned {
  readonly state: PlannerState;
  readonly plans: readonly Plan[];
}

/**
 * What the planner does about an event: a pure function. How many plans are out depends only on the plans that have ended
 * without a gap, so it does not depend on the order in which later ones end.
 */
export function planNext(
  options: PlannerOptions,
  state: PlannerState,
  seeds: readonly Example[],
  event: Seed | Tick | LedgerEntry,
): Planned {
  if (event.kind === 'seed') return { state, plans: [] };
  const told = event.kind === 'tick' ? withTarget(state, event) : withEnding(state, event);
  const end = endOfWindow(options, told);
  if (seeds.length === 0 || end <= told.next) return { state: told, plans: [] };
  const plans = Array.from({ length: end - told.next }, (_, i) => planOf(options, seeds, told.next + i, event.at));
  return { state: { ...told, next: end }, plans };
}

/** Whether the lane has what it shall have and nothing is out any more. */
export function isDry({ next, low, accepted, total }: PlannerState): boolean {
  return typeof total === 'number' && accepted >= total && low >= next;
}

function withTarget(state: PlannerState, tick: Tick): PlannerState {
  return tick.reason === 'target' ? { ...state, total: tick.total } : state;
}

function withEnding(state: PlannerState, entry: LedgerEntry): PlannerState {
  const ended = new Set(state.ended).add(entry.ordinal);
  let { low } = state;
  while (ended.delete(low)) low++;
  const accepted = state.accepted + (entry.outcome === 'accepted' ? 1 : 0);
  return { ...state, low, ended: [...ended].sort((a, b) => a - b), accepted };
}

/** One past the last ordinal that may be out: the window, or a quarter more than what is still missing, if that is less. */
function endOfWindow({ window }: PlannerOptions, { low, accepted, total }: PlannerState): number {
  if (total === undefined) return 0;
  if (total === null) return low + window;
  const missing = total - accepted;
  if (missing <= 0) return 0;
  return low + Math.min(window, missing + Math.ceil(missing / 4) + 1);
}

/** The plan of an ordinal: a pure function, so that a restart or another worker plans the same. */
export function planOf(options: PlannerOptions, seeds: readonly Example[], ordinal: number, plannedAt: number): Plan {
  const { domain, lane, seed } = options;
  const examples = examplesOf(options, seeds, ordinal);
  const draw = (name: string) => hashFloat(seed, 'plan', lane, ordinal, name);
  const label = domain.label && drawLabel(domain.label, stratified(seed, lane, ordinal));
  const vary = Object.entries(domain.vary).map(([name, values]) => [
    name,
    values[Math.floor(draw(name) * values.length)] ?? '',
  ]);
  return {
    kind: 'plan',
    id: recordId('plan', seed, lane, ordinal, ...examples.map(({ id }) => id)),
    lane,
    ordinal,
    method: 'bare',
    ...(label === undefined ? {} : { label }),
    vary: Object.fromEntries(vary),
    examples: [...examples],
    seedCount: seeds.length,
    randomSeed: hashUint32(seed, 'sampling', lane, ordinal),
    plannedAt,
  };
}

/** Seeds are shown in fixed groups, so that few prompt prefixes exist and each is evaluated once. */
function examplesOf(
  { examples, lane, seed }: PlannerOptions,
  seeds: readonly Example[],
  ordinal: number,
): readonly Example[] {
  const groups = Math.max(1, Math.ceil(seeds.length / examples));
  const group = Math.floor(hashFloat(seed, 'examples', lane, ordinal) * groups);
  // The last group is filled up from the one before it.
  const start = Math.max(0, Math.min(group * examples, seeds.length - examples));
  return seeds.slice(start, start + examples);
}

/** A low-discrepancy sequence: after any number of plans, labels stand in their shares to within one or two. */
function stratified(seed: number, lane: number, ordinal: number): number {
  return (radicalInverse(ordinal) + hashFloat(seed, 'label', lane)) % 1;
}

function drawLabel({ values, shares }: NonNullable<Domain['label']>, at: number): string {
  const weights = shares ?? values.map(() => 1);
  let left = at * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return values[index === -1 ? values.length - 1 : index] ?? '';
}
