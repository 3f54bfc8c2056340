import { defer, map, type OperatorFunction } from 'rxjs';

import type { AnyRecord } from '../../schemas/codec.js';
import { recordId } from '../../schemas/ids.js';
import type { Refined } from '../../schemas/refined.js';
import type { Tick } from '../../schemas/tick.js';
import { finishedAt } from './finished-at.js';
import type { Changes, Outcome } from './outcome.js';
import { storedCount } from './stored-count.js';

/** Whose samples are counted. */
export interface QuotaOptions {
  /** What the operator's memory held at the last commit: `accepted`, and `total` where the lane is not endless. */
  readonly memory: ReadonlyMap<string, unknown>;
  readonly lane: number;
}

/**
 * Refined texts in, exactly as many out as the lane's target says; the last comes with a `complete` tick.
 *
 * What comes beyond the target is dropped as `surplus`. A `target` tick sets the target (null: endless, as before the first
 * one) and is absorbed; where it is met already, the `complete` tick is its output. Everything else is forwarded. Keeps two
 * numbers; asks no clock: a `complete` tick has the time of the record that made it. What follows must not lose a text that
 * has passed, as it was counted here.
 */
export function quota({ memory, lane }: QuotaOptions): OperatorFunction<AnyRecord, Outcome<AnyRecord, AnyRecord>> {
  const storedAccepted = storedCount(memory, 'accepted', 0);
  const storedTotal = storedCount(memory, 'total', null);
  return (source) =>
    defer(() => {
      /** Never above `total` by what passed while that target stood. */
      let accepted = storedAccepted;
      /** null: endless. */
      let total = storedTotal;

      function count(refined: Refined): Outcome<AnyRecord, AnyRecord> {
        if (total !== null && accepted >= total) {
          const detail = `the lane has its ${total} samples`;
          return { kind: 'dropped', input: refined, reason: 'surplus', detail };
        }
        accepted++;
        const changes: Changes = [['accepted', accepted]];
        const outputs = accepted === total ? [refined, complete(lane, total, finishedAt(refined))] : [refined];
        return { kind: 'emitted', input: refined, outputs, changes };
      }

      function aim(tick: Tick): Outcome<AnyRecord, AnyRecord> {
        if (tick.lane !== lane) return { kind: 'absorbed', input: tick };
        total = tick.total;
        const changes: Changes = [['total', total]];
        if (total === null || accepted < total) return { kind: 'absorbed', input: tick, changes };
        return { kind: 'emitted', input: tick, outputs: [complete(lane, total, tick.at)], changes };
      }

      return source.pipe(
        map((record): Outcome<AnyRecord, AnyRecord> => {
          if (record.kind === 'refined') return count(record);
          if (record.kind === 'tick' && record.reason === 'target') return aim(record);
          return { kind: 'emitted', input: record, outputs: [record] };
        }),
      );
    });
}

function complete(lane: number, total: number, at: number): Tick {
  return { kind: 'tick', id: recordId('tick', 'complete', lane, total), lane, reason: 'complete', total, at };
}
