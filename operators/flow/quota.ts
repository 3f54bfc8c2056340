import { defer, map, type OperatorFunction } from 'rxjs';

import type { AnyRecord } from '../../schemas/codec.js';
import { recordId } from '../../schemas/ids.js';
import type { Refined } from '../../schemas/refined.js';
import type { Tick } from '../../schemas/tick.js';
import type { EmbeddedReal } from '../synalign/embedded-real.js';
import { finishedAt } from './finished-at.js';
import type { Changes, Outcome } from './outcome.js';
import { storedCount } from './stored-count.js';
import { storedCounts } from './stored-counts.js';

/** Whose samples are counted. */
export interface QuotaOptions {
  /**
   * What the operator's memory held at the last commit: `accepted`, and `total` where the lane is not endless; where texts have labels
   * also `labels/NAME`, the accepted ones, and `shares/NAME`, those that shall be.
   */
  readonly memory: ReadonlyMap<string, unknown>;
  readonly lane: number;
}

/**
 * Refined texts in, exactly as many out as the lane's target says; the last comes with a `complete` tick.
 *
 * What comes beyond the target, or beyond what the target has of the text's label, is dropped as `surplus`. A `target` tick
 * sets both (null: endless, as before the first one) and is absorbed; where it is met already, the `complete` tick is its
 * output. Everything else is forwarded. Keeps two numbers, and two for each label; asks no clock: a `complete` tick has the
 * time of the record that made it. What follows must not lose a text that has passed, as it was counted here.
 */
export function quota<In extends AnyRecord | EmbeddedReal = AnyRecord>({
  memory,
  lane,
}: QuotaOptions): OperatorFunction<In, Outcome<In, In | Tick>> {
  const storedAccepted = storedCount(memory, 'accepted', 0);
  const storedTotal = storedCount(memory, 'total', null);
  const storedLabels = storedCounts(memory, 'labels/');
  const storedShares = storedCounts(memory, 'shares/');
  return (source) =>
    defer(() => {
      /** Never above `total` by what passed while that target stood. */
      let accepted = storedAccepted;
      /** null: endless. */
      let total = storedTotal;
      /** Accepted texts by label: they add up to `accepted`, less those without one. */
      const labels = new Map(storedLabels);
      /** By label, how many of the total shall have it; a label that is not here has no bound of its own. */
      let shares = new Map(storedShares);

      function count(input: In, refined: Refined): Outcome<In, In | Tick> {
        const detail = surplus(refined.plan.label);
        if (detail !== undefined) return { kind: 'dropped', input, reason: 'surplus', detail };
        accepted++;
        const changes: Changes = [['accepted', accepted], ...labelled(refined.plan.label)];
        const outputs = accepted === total ? [input, complete(lane, total, finishedAt(refined))] : [input];
        return { kind: 'emitted', input, outputs, changes };
      }

      /** Why a text is one too many. */
      function surplus(label: string | undefined): string | undefined {
        if (total !== null && accepted >= total) return `the lane has its ${total} samples`;
        const share = label === undefined ? undefined : shares.get(label);
        if (label === undefined || share === undefined || (labels.get(label) ?? 0) < share) return undefined;
        return `the lane has its ${share} samples of '${label}'`;
      }

      function labelled(label: string | undefined): Changes {
        if (label === undefined) return [];
        const count = (labels.get(label) ?? 0) + 1;
        labels.set(label, count);
        return [[`labels/${label}`, count]];
      }

      function aim(input: In, tick: Tick): Outcome<In, In | Tick> {
        if (tick.lane !== lane) return { kind: 'absorbed', input };
        total = tick.total;
        const gone = [...shares.keys()].filter((label) => tick.labels?.[label] === undefined);
        shares = new Map(Object.entries(tick.labels ?? {}));
        const changes: Changes = [
          ['total', total],
          ...gone.map((label) => [`shares/${label}`, null] as const),
          ...[...shares].map(([label, share]) => [`shares/${label}`, share] as const),
        ];
        if (total === null || accepted < total) return { kind: 'absorbed', input, changes };
        return { kind: 'emitted', input, outputs: [complete(lane, total, tick.at)], changes };
      }

      return source.pipe(
        map((input): Outcome<In, In | Tick> => {
          const record: AnyRecord | EmbeddedReal = input;
          if (record.kind === 'refined') return count(input, record);
          if (record.kind === 'tick' && record.reason === 'target') return aim(input, record);
          return { kind: 'emitted', input, outputs: [input] };
        }),
      );
    });
}

function complete(lane: number, total: number, at: number): Tick {
  return { kind: 'tick', id: recordId('tick', 'complete', lane, total), lane, reason: 'complete', total, at };
}
