import { decode, encode } from '../../schemas/codec.js';
import { recordId } from '../../schemas/ids.js';
import type { Tick } from '../../schemas/tick.js';
import { readAll } from '../stage/read-all.js';
import type { Message, Topics } from '../topics.js';
import { hasEnded } from './is-dry.js';
import { stageNames } from './stages.js';

/** The samples that each lane shall have, so that all have `total`; null is endless. */
export function shareOut(total: number | null, lanes: number): readonly (number | null)[] {
  return Array.from({ length: lanes }, (_, lane) => {
    if (total === null) return null;
    return Math.floor(total / lanes) + (lane < total % lanes ? 1 : 0);
  });
}

/** The tick that tells a lane its target. */
export function targetMessage(topic: string, lane: number, total: number | null, at: number): Message {
  const tick: Tick = {
    kind: 'tick',
    id: recordId('tick', 'target', lane, total ?? 'endless', at),
    lane,
    reason: 'target',
    total,
    at,
  };
  return { topic, partition: lane, key: null, ...encode(tick) };
}

/** The newest target of each lane, by reading the seeds topic; undefined for a lane that was never told. */
export async function readTargets(
  topics: Topics,
  topic: string,
  lanes: number,
): Promise<readonly (number | null | undefined)[]> {
  const targets: (number | null | undefined)[] = [];
  for (let lane = 0; lane < lanes; lane++) targets.push((await lastTick(topics, topic, lane, 'target', lane))?.total);
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
