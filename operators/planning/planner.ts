import type { Domain, DomainLabel } from '../../schemas/domain.js';
import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Tick } from '../../schemas/tick.js';
import { type FollowedLabels, mostOwed, owed, withFailed, withPlanned } from './followed-labels.js';
import { type LabelCount, nextLabel } from './label-balance.js';

export interface WindowOptions {
  readonly domain: Pick<Domain, 'label'>;
  /** Plans outstanding at once, at most; rounded up to whole groups. */
  readonly window: number;
  /** Plans that are written together. @default 1 */
  readonly group?: number;
}

/** What the planner of one lane remembers, beside what it draws from. */
export interface PlannerState {
  /** The ordinal of the next plan; a multiple of the group. */
  readonly next: number;
  /** Every ordinal below has ended, and was counted. */
  readonly low: number;
  /** Those above `low` that have ended and wait for their turn; never more than the window. */
  readonly ended: readonly Ended[];
  readonly accepted: number;
  /** Of the plans below `next`. */
  readonly labels: Readonly<Record<string, LabelCount>>;
  /** Samples that the lane shall have; null: endless; undefined: not told yet. */
  readonly total?: number | null;
  /** Of the newest tick or ledger entry: the time at which plans are made. */
  readonly at: number;
  /** How many of them shall have which label. */
  readonly wanted?: Readonly<Record<string, number>>;
  /** Where shares follow the real stream: what each label is owed. */
  readonly followed?: FollowedLabels;
}

/** How a plan has ended. */
export interface Ended {
  readonly ordinal: number;
  readonly accepted: boolean;
  readonly label?: string | undefined;
  /** Of an accepted one: the correction that came with it. */
  readonly correction?: string | undefined;
}

/** Plans that are made together: a group, or one. */
export interface Unit {
  /** The first ordinal. */
  readonly ordinal: number;
  readonly size: number;
  /** That of all of them. */
  readonly label: string | undefined;
  /** Where shares follow the real stream: what each label is owed before these plans are out. */
  readonly followed?: FollowedLabels | undefined;
}

export const startOfPlanning: PlannerState = { next: 0, low: 0, ended: [], accepted: 0, labels: {}, at: 0 };

/** The lane's target is told. */
export function withTarget({ wanted: _, ...state }: PlannerState, { total, labels, at }: Tick): PlannerState {
  return { ...state, total, at, ...(labels === undefined ? {} : { wanted: labels }) };
}

/**
 * A plan has ended. It is counted when its turn comes (`afterLow`), so that nothing depends on the order in which plans end;
 * one whose turn is over, a dead letter that was put back, at once.
 */
export function withEnding(before: PlannerState, entry: LedgerEntry): PlannerState {
  const { ordinal, outcome, label, correction, at } = entry;
  const state = { ...before, at };
  const ending: Ended = {
    ordinal,
    accepted: outcome === 'accepted',
    ...(label === undefined ? {} : { label }),
    ...(correction === undefined ? {} : { correction }),
  };
  if (ordinal < state.low) return ending.accepted ? counted(state, ending, 0) : state;
  const twin = state.ended.find((other) => other.ordinal === ordinal);
  if (twin?.accepted) return state;
  const others = state.ended.filter((other) => other !== twin);
  const place = others.findLastIndex((other) => other.ordinal < ordinal) + 1;
  return { ...state, ended: others.toSpliced(place, 0, ending) };
}

/** The correction that came with the plan at `low`, which must be heeded before that is counted. */
export function dueCorrection({ ended: [first], low }: PlannerState): string | undefined {
  return first?.ordinal === low ? first.correction : undefined;
}

/** The state when the plan at `low` is counted too; undefined while that one is out. `label` is the domain's. */
export function afterLow(state: PlannerState, label?: DomainLabel): PlannerState | undefined {
  const [first, ...ended] = state.ended;
  if (first?.ordinal !== state.low) return undefined;
  const after = { ...counted(state, first, 1), low: state.low + 1, ended };
  const { followed } = state;
  const failed = first.accepted ? -1 : (label?.values.indexOf(first.label ?? '') ?? -1);
  return followed === undefined || failed < 0 ? after : { ...after, followed: withFailed(followed, failed) };
}

function counted(state: PlannerState, { accepted, label }: Ended, out: number): PlannerState {
  const one = accepted ? 1 : 0;
  const labels = label === undefined ? state.labels : withCount(state.labels, label, one, -out);
  return { ...state, accepted: state.accepted + one, labels };
}

/**
 * What may be planned now: undefined where the window is full, or nothing is missing. `realShares` are those that labels follow, where
 * they follow the real stream.
 */
export function nextUnit(
  options: WindowOptions,
  state: PlannerState,
  realShares?: readonly number[],
): Unit | undefined {
  const { group: size = 1, domain, window } = options;
  if (state.next + size > endOfWindow(options, state)) return undefined;
  const { label } = domain;
  if (label !== undefined && realShares !== undefined) {
    const followed = owed({ before: state.followed, target: realShares, window, size });
    return { ordinal: state.next, size, label: label.values[mostOwed(followed)], followed };
  }
  const balance = label && { label, counts: state.labels, wanted: state.wanted };
  return { ordinal: state.next, size, label: balance && nextLabel(balance) };
}

/** The state when a unit is out, under the label that its plans have. */
export function withIssued(
  state: PlannerState,
  { size, followed }: Unit,
  label: string | undefined,
  values: readonly string[] = [],
): PlannerState {
  const labels = label === undefined ? state.labels : withCount(state.labels, label, 0, size);
  const issued = { ...state, next: state.next + size, labels };
  const place = values.indexOf(label ?? '');
  return followed === undefined || place < 0 ? issued : { ...issued, followed: withPlanned(followed, place, size) };
}

/** Whether the lane has what it shall have and nothing is out any more. */
export function isDry({ next, low, accepted, total }: PlannerState): boolean {
  return typeof total === 'number' && accepted >= total && low >= next;
}

/**
 * One past the last ordinal that may be out: the window, or a quarter more than what is still missing, if that is less; whole groups, of
 * which one may always be out.
 */
function endOfWindow({ window, group = 1 }: WindowOptions, { low, accepted, total }: PlannerState): number {
  if (total === undefined) return 0;
  const missing = total === null ? Number.POSITIVE_INFINITY : total - accepted;
  if (missing <= 0) return 0;
  const out = Math.min(window, missing + Math.ceil(missing / 4) + 1);
  return low + Math.ceil(out / group) * group;
}

function withCount(
  labels: PlannerState['labels'],
  label: string,
  accepted: number,
  outstanding: number,
): PlannerState['labels'] {
  const before = labels[label] ?? { accepted: 0, outstanding: 0 };
  const after = { accepted: before.accepted + accepted, outstanding: Math.max(0, before.outstanding + outstanding) };
  return { ...labels, [label]: after };
}
