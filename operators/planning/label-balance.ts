import { type DomainLabel, fixedShares } from '../../schemas/domain.js';

/** Plans of a lane with one label. */
export interface LabelCount {
  readonly accepted: number;
  /** Planned, and not ended yet. */
  readonly outstanding: number;
}

export interface Balance {
  readonly label: DomainLabel;
  readonly counts: Readonly<Record<string, LabelCount>>;
  /** How many samples of the lane shall have which label; undefined where the lane is endless. */
  readonly wanted?: Readonly<Record<string, number>> | undefined;
}

/**
 * The label of the next plan: the one that is furthest behind its share, of what is accepted or on its way.
 *
 * A plan that fails drops out of what is on its way, so its label comes again, whatever becomes of the others. Labels that have what they
 * shall have get no plans; where enough is on its way of all others too, spare plans go by what is still missing. Among those
 * that are equally far behind, the first.
 */
export function nextLabel({ label, counts, wanted }: Balance): string {
  const { values } = label;
  const goal = (value: string) => wanted?.[value] ?? 0;
  const accepted = (value: string) => counts[value]?.accepted ?? 0;
  const outstanding = (value: string) => counts[value]?.outstanding ?? 0;
  if (wanted === undefined) {
    const shares = fixedShares(label);
    const share = (value: string) => shares[values.indexOf(value)] ?? 1;
    return furthestBehind(values, share, (value) => accepted(value) + outstanding(value));
  }
  const uncovered = values.filter((value) => accepted(value) + outstanding(value) < goal(value));
  if (uncovered.length > 0) return furthestBehind(uncovered, goal, (value) => accepted(value) + outstanding(value));
  const missing = values.filter((value) => accepted(value) < goal(value));
  const open = missing.length > 0 ? missing : values;
  return furthestBehind(open, (value) => Math.max(0, goal(value) - accepted(value)), outstanding);
}

/** Sainte-Laguë's order: by share for each seat, the next one counted half. */
function furthestBehind(
  values: readonly string[],
  share: (value: string) => number,
  has: (value: string) => number,
): string {
  let best = values[0] ?? '';
  for (const value of values) if (behind(value) > behind(best)) best = value;
  return best;

  function behind(value: string): number {
    return share(value) / (2 * has(value) + 1);
  }
}
