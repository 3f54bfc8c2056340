import { apportion } from '../../operators/kernels/apportion.js';
import { decode, encode } from '../../schemas/codec.js';
import { type DomainLabel, fixedShares } from '../../schemas/domain.js';
import { recordId } from '../../schemas/ids.js';
import type { Tick } from '../../schemas/tick.js';
import { readAll } from '../stage/read-all.js';
import type { Message, Topics } from '../topics.js';
import { hasEnded } from './is-dry.js';
import { stageNames } from './stages.js';

/** What a lane shall have. */
export interface Target {
  /** Accepted samples; null is endless. */
  readonly total: number | null;
  /** How many of them shall have which label, where the domain has labels and there is an end. */
  readonly labels?: Readonly<Record<string, number>> | undefined;
}

/** The samples that each lane shall have, so that all have `total`; null is endless. */
export function shareOut(total: number | null, lanes: number): readonly (number | null)[] {
  return Array.from({ length: lanes }, (_, lane) => {
    if (total === null) return null;
    return Math.floor(total / lanes) + (lane < total % lanes ? 1 : 0);
  });
}

/**
 * The targets of lanes with how many samples of each label they shall have: over all lanes together exactly by the shares, and in each
 * lane by them as far as whole numbers let it. What lanes were told before is added to, so that no count falls; where a lane is told
 * less than before, or was endless, all is apportioned anew. A target without end, or with the shares of the real stream, has no counts.
 */
export function labelledTargets(
  totals: readonly (number | null)[],
  label: DomainLabel | undefined,
  told: readonly (Target | undefined)[] = [],
): readonly Target[] {
  const ends = totals.filter((total) => total !== null);
  const isCounted = label !== undefined && label.shares !== 'real';
  if (!isCounted || ends.length < totals.length) return totals.map((total) => ({ total }));
  const { values } = label;
  const before = ends.map((total, lane) => countsBefore(values, total, told[lane]));
  const nothing = ends.map(() => values.map(() => 0));
  const known = before.filter((counts) => counts !== undefined);
  const added = known.length === ends.length ? moreByLane(label, ends, known) : undefined;
  const base = added === undefined ? nothing : known;
  const more = added ?? moreByLane(label, ends, nothing) ?? nothing;
  return ends.map((total, lane) => ({
    total,
    labels: Object.fromEntries(values.map((value, i) => [value, (base[lane]?.[i] ?? 0) + (more[lane]?.[i] ?? 0)])),
  }));
}

/** By label what a lane was told; undefined where that cannot be added to. */
function countsBefore(
  values: readonly string[],
  total: number,
  told: Target | undefined,
): readonly number[] | undefined {
  if (told === undefined) return values.map(() => 0);
  if (told.total === null || told.total > total || (told.total > 0 && told.labels === undefined)) return undefined;
  return values.map((value) => told.labels?.[value] ?? 0);
}

/**
 * What each lane gets beyond `base`, by label: the lanes take turns, each takes the label that it is furthest behind in, of those that are
 * left. Undefined where `base` has too many of a label.
 */
function moreByLane(
  label: DomainLabel,
  totals: readonly number[],
  base: readonly (readonly number[])[],
): readonly (readonly number[])[] | undefined {
  const all = sum(totals);
  const whole = apportion(fixedShares(label), all);
  const left = whole.map((count, i) => count - sum(base.map((counts) => counts[i] ?? 0)));
  if (left.some((count) => count < 0)) return undefined;
  const has = base.map((counts) => [...counts]);
  const open = totals.map((total, lane) => total - sum(base[lane] ?? []));
  for (let rest = sum(left); rest > 0; rest--) {
    const lane = open.indexOf(Math.max(...open));
    const behind = left.map((count, i) => {
      const share = ((whole[i] ?? 0) * (totals[lane] ?? 0)) / all;
      return count > 0 ? share - (has[lane]?.[i] ?? 0) : Number.NEGATIVE_INFINITY;
    });
    const label = behind.indexOf(Math.max(...behind));
    open[lane] = (open[lane] ?? 0) - 1;
    left[label] = (left[label] ?? 0) - 1;
    const own = has[lane];
    if (own !== undefined) own[label] = (own[label] ?? 0) + 1;
  }
  return has.map((counts, lane) => counts.map((count, i) => count - (base[lane]?.[i] ?? 0)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}

/** Whether two targets ask for the same. */
export function isSameTarget(a: Target | undefined, b: Target): boolean {
  if (a === undefined || a.total !== b.total) return false;
  const labels = { ...a.labels, ...b.labels };
  return Object.keys(labels).every((label) => a.labels?.[label] === b.labels?.[label]);
}

/** The tick that tells a lane its target. */
export function targetMessage(topic: string, lane: number, { total, labels }: Target, at: number): Message {
  const tick: Tick = {
    kind: 'tick',
    id: recordId('tick', 'target', lane, total ?? 'endless', at),
    lane,
    reason: 'target',
    total,
    ...(labels === undefined ? {} : { labels }),
    at,
  };
  return { topic, partition: lane, key: null, ...encode(tick) };
}

/** The newest target of each lane, by reading the seeds topic; undefined for a lane that was never told. */
export async function readTargets(
  topics: Topics,
  topic: string,
  lanes: number,
): Promise<readonly (Target | undefined)[]> {
  const targets: (Target | undefined)[] = [];
  for (let lane = 0; lane < lanes; lane++) {
    const tick = await lastTick(topics, topic, lane, 'target', lane);
    targets.push(tick && { total: tick.total, ...(tick.labels === undefined ? {} : { labels: tick.labels }) });
  }
  return targets;
}

/**
 * How many samples of each lane are in the manifest for certain, by its newest `complete` tick; 0 while a stage has work left, as
 * it has when a run was killed between that tick and its end.
 */
export async function readCompleted(topics: Topics, lanes: number): Promise<readonly number[]> {
  const completed: number[] = [];
  if (!(await hasEnded(topics, stageNames))) return Array.from({ length: lanes }, () => 0);
  for (let lane = 0; lane < lanes; lane++)
    completed.push((await lastTick(topics, 'shards', 0, 'complete', lane))?.total ?? 0);
  return completed;
}

async function lastTick(
  topics: Topics,
  topic: string,
  partition: number,
  reason: Tick['reason'],
  lane: number,
): Promise<Tick | undefined> {
  let last: Tick | undefined;
  for await (const { value, headers } of readAll(topics, topic, partition)) {
    if (value === null || !headers['schema']?.startsWith('headwater.tick/')) continue;
    const record = decode(value, headers);
    if (record.kind === 'tick' && record.reason === reason && record.lane === lane) last = record;
  }
  return last;
}
