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
 * Puts the passing of time on the log: an `interval` tick on each partition of `samples` that has new samples, so that a shard is
 * closed at the same place in every replay. Returns how to stop it.
 */
export function startTicker({ topics, lanes: lanesHere, everyMs, now, failed }: TickerOptions): () => void {
  /** By lane: one past the last tick, or 0. */
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
    const written = await topics.append(lanes.map((lane) => recordMessage('samples', lane, intervalTick(lane, at))));
    for (const [index, lane] of lanes.entries()) seen[lane] = (written[index] ?? 0) + 1;
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
