import type { Outcome } from '../../operators/flow/outcome.js';

/** How many records left a stage in which way, since the pipeline began; committed with them. */
export interface OutcomeCounts {
  readonly emitted: number;
  readonly absorbed: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly dead: Readonly<Record<string, number>>;
}

/** The key of a stage's memory under which its counts are kept. */
export const countsKey = '#outcomes';

export const noOutcomes: OutcomeCounts = { emitted: 0, absorbed: 0, dropped: {}, dead: {} };

/** The counts with outcomes added. */
export function countOutcomes(counts: OutcomeCounts, outcomes: Iterable<Outcome<unknown, unknown>>): OutcomeCounts {
  let { emitted, absorbed } = counts;
  const dropped = { ...counts.dropped };
  const dead = { ...counts.dead };
  for (const outcome of outcomes) {
    if (outcome.kind === 'emitted') emitted++;
    else if (outcome.kind === 'absorbed') absorbed++;
    else if (outcome.kind === 'dropped') dropped[outcome.reason] = (dropped[outcome.reason] ?? 0) + 1;
    else dead[outcome.code] = (dead[outcome.code] ?? 0) + 1;
  }
  return { emitted, absorbed, dropped, dead };
}

/** All records that the counts stand for. */
export function totalOutcomes({ emitted, absorbed, dropped, dead }: OutcomeCounts): number {
  return emitted + absorbed + sum(dropped) + sum(dead);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
