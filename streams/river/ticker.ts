import { recordId } from '../../schemas/ids.js';
import type { Tick } from '../../schemas/tick.js';
import { recordMessage } from '../record-message.js';
import type { Topics } from '../topics.js';
import { hasMore } from './is-dry.js';

export interface TickerOptions {
  readonly topics: Topics;
  /** The lanes whose shards this process writes. */
  readonly lanes: () => readonly number[];
  readonly everyMs: number;
  readonly now: () => number;
  /** Told of an error; the ticker has stopped then. */
  readonly failed: (error: unknown) => void;
}

/**
 * Puts the passing of time on the log: an `interval` tick for each lane that has new samples, so that its shard is closed. Returns
 * how to stop it.
 */
export function startTicker({ topics, lanes: lanesHere, everyMs, now, failed }: TickerOptions): () => void {
  /** By lane: the end of its samples at the last tick, or 0. */
  const seen: number[] = [];
  let writing = false;

  async function tick(): Promise<void> {
    const offsets = await topics.offsets('samples');
    const at = now();
    const lanes: number[] = [];
    for (const lane of lanesHere()) {
      const from = seen[lane] ?? 0;
      if ((offsets[lane]?.high ?? 0) > from && (await hasMore(topics, 'samples', lane, from))) lanes.push(lane);
    }
    if (lanes.length === 0) return;
    await topics.append(lanes.map((lane) => recordMessage('ticks', lane, intervalTick(lane, at))));
    for (const lane of lanes) seen[lane] = offsets[lane]?.high ?? 0;
  }

  const timer = setInterval(() => {
    if (writing) return;
    writing = true;
    tick()
      .catch((error) => {
        clearInterval(timer);
        failed(error);
      })
      .finally(() => {
        writing = false;
      });
  }, everyMs);
  return () => clearInterval(timer);
}

function intervalTick(lane: number, at: number): Tick {
  return { kind: 'tick', id: recordId('tick', 'interval', lane, at), lane, reason: 'interval', total: null, at };
}
