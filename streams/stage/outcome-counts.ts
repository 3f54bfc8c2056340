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

/** Counts of several partitions as one. */
export function addOutcomes(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return {
    emitted: a.emitted + b.emitted,
    absorbed: a.absorbed + b.absorbed,
    dropped: addByKey(a.dropped, b.dropped),
    dead: addByKey(a.dead, b.dead),
  };
}

/** All records that the counts stand for. */
export function totalOutcomes({ emitted, absorbed, dropped, dead }: OutcomeCounts): number {
  return emitted + absorbed + sum(dropped) + sum(dead);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function addByKey(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sums = { ...a };
  for (const [key, value] of Object.entries(b)) sums[key] = (sums[key] ?? 0) + value;
  return sums;
}
