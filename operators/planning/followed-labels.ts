/** Labels that are planned by shares which change: what each label is owed, in plans. The debts add up to 0. */
export interface FollowedLabels {
  /** In the order of the labels' values; they add up to 1. */
  readonly shares: readonly number[];
  readonly debts: readonly number[];
}

export interface FollowedUnit {
  readonly before: FollowedLabels | undefined;
  /** Where the shares go. */
  readonly target: readonly number[];
  /** Plans in which shares make two thirds of their way. */
  readonly window: number;
  /** Plans of the unit, which have one label. */
  readonly size: number;
}

/**
 * Every label is owed its share of the next unit of plans, after the shares have gone a part of their way to the target: with each plan
 * one part in `window`, so a target that jumps is followed over a window or two.
 */
export function owed({ before, target, window, size }: FollowedUnit): FollowedLabels {
  const way = Math.min(1, size / window);
  const shares = target.map((share, i) => {
    const from = before?.shares[i] ?? share;
    return from + way * (share - from);
  });
  return { shares, debts: shares.map((share, i) => (before?.debts[i] ?? 0) + size * share) };
}

/** The label that is owed most; of equals, the first. */
export function mostOwed({ debts }: FollowedLabels): number {
  return debts.indexOf(Math.max(...debts));
}

/** What is owed when plans of a label are out. */
export function withPlanned({ shares, debts }: FollowedLabels, label: number, size: number): FollowedLabels {
  return { shares, debts: debts.map((debt, i) => (i === label ? debt - size : debt)) };
}

/** What is owed when a plan of a label ended without a sample: as if it had never been made. */
export function withFailed({ shares, debts }: FollowedLabels, label: number): FollowedLabels {
  return { shares, debts: debts.map((debt, i) => debt - (shares[i] ?? 0) + (i === label ? 1 : 0)) };
}
