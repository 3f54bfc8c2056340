import { concatMap, defer, type OperatorFunction } from 'rxjs';

import type { AnyRecord } from '../../schemas/codec.js';
import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Real } from '../../schemas/real.js';
import type { Refined } from '../../schemas/refined.js';
import type { Changes, Outcome } from './outcome.js';
import { storedCount } from './stored-count.js';

/** Where the order is kept. */
export interface InPlanOrderOptions {
  /** What the operator's memory held at the last commit: `next`, `seeds` and `reals`. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** The partition whose plans are put in order. */
  readonly lane: number;
  /**
   * The stage this runs in, whose own endings it has seen already.
   * @default 'align'
   */
  readonly stage?: string;
  /**
   * Where a real record stands on its stream, ascending, as the plans name it in `reals`.
   * @default real records have no place, and pass at once
   */
  readonly placeOf?: ((real: Real) => number | undefined) | undefined;
}

/**
 * Refined texts in, the same out in the order of their plans; ledger entries tell which plans will never come.
 *
 * A refined text is held until every lower ordinal of the lane has ended and the seeds that its plan knew have passed; then it
 * is emitted. A ledger entry of another stage that says a line was dropped or died holds its place in the same way, and is
 * absorbed. One whose ordinal has passed already (a dead letter that was put back) is emitted at once. So is everything else, seeds
 * among it, but for `loaded` ticks, which are absorbed. So what comes out depends on the records, not on the order in which they arrive,
 * but for the places of seeds and of late texts.
 *
 * With `placeOf`, real records have their place in this order too: a text comes behind those that its plan knew (`plan.reals`), and
 * before all later ones, which wait for a text whose plan knew them.
 *
 * Held in memory: at most as many texts as the planner keeps outstanding, and as many real records as the caller lets in; the stage's
 * credit must be above the first number, or the line waits for ever. When the source completes, what is held gets no outcome, and is read
 * again after a restart. A refined text of another lane is dead with `record-invalid`.
 */
export function inPlanOrder(options: InPlanOrderOptions): OperatorFunction<AnyRecord, Outcome<AnyRecord, AnyRecord>> {
  const { memory, lane, stage = 'align', placeOf } = options;
  const storedNext = storedCount(memory, 'next', 0);
  const storedSeeds = storedCount(memory, 'seeds', 0);
  const storedReals = storedCount(memory, 'reals', -1);
  return (source) =>
    defer(() => {
      /** Every lower ordinal of the lane has ended. */
      let next = storedNext;
      /** Seeds that have passed. */
      let seeds = storedSeeds;
      /** By ascending ordinal. */
      const held: (Refined | LedgerEntry)[] = [];
      /** The place of the last real record that has passed. */
      let reals = storedReals;
      /** By ascending place. */
      const heldReals: Placed[] = [];

      function enter(record: AnyRecord): readonly Outcome<AnyRecord, AnyRecord>[] {
        switch (record.kind) {
          case 'seed':
            seeds++;
            return [forwarded(record, [['seeds', seeds]]), ...released()];
          case 'refined':
            if (record.plan.lane !== lane) return [misrouted(record)];
            hold(record);
            return released();
          case 'ledger-entry':
            if (!endsElsewhere(record)) return [{ kind: 'absorbed', input: record }];
            hold(record);
            return released();
          case 'real': {
            const place = placeOf?.(record);
            if (place === undefined) return [forwarded(record)];
            heldReals.push({ real: record, place });
            return released();
          }
          case 'tick':
            return [record.reason === 'loaded' ? { kind: 'absorbed', input: record } : forwarded(record)];
          default:
            return [forwarded(record)];
        }
      }

      function endsElsewhere(entry: LedgerEntry): boolean {
        return entry.lane === lane && entry.stage !== stage && entry.outcome !== 'accepted' && entry.ordinal >= next;
      }

      function hold(record: Refined | LedgerEntry): void {
        const before = held.findLastIndex((other) => ordinalOf(other) <= ordinalOf(record));
        held.splice(before + 1, 0, record);
      }

      function released(): readonly Outcome<AnyRecord, AnyRecord>[] {
        const outcomes: Outcome<AnyRecord, AnyRecord>[] = [];
        for (let head = held[0]; head !== undefined && ready(head); head = held[0]) {
          const known = head.kind === 'refined' ? (head.plan.reals ?? -1) : -1;
          outcomes.push(...releasedReals(known));
          if (placeOf !== undefined && !haveCome(known)) break;
          held.shift();
          next = Math.max(next, ordinalOf(head) + 1);
          const changes: Changes = [['next', next]];
          outcomes.push(
            head.kind === 'refined' ? forwarded(head, changes) : { kind: 'absorbed', input: head, changes },
          );
        }
        return outcomes;
      }

      /** The real records that a plan knew. */
      function releasedReals(known: number): readonly Outcome<AnyRecord, AnyRecord>[] {
        const outcomes: Outcome<AnyRecord, AnyRecord>[] = [];
        for (let [first] = heldReals; first !== undefined && first.place <= known; [first] = heldReals) {
          heldReals.shift();
          reals = first.place;
          outcomes.push(forwarded(first.real, [['reals', reals]]));
        }
        return outcomes;
      }

      /** A later one tells it too: a topic need not keep all that it ever held. */
      function haveCome(known: number): boolean {
        return reals >= known || heldReals.length > 0;
      }

      function ready(record: Refined | LedgerEntry): boolean {
        return ordinalOf(record) <= next && (record.kind !== 'refined' || record.plan.seedCount <= seeds);
      }

      function misrouted(record: Refined): Outcome<AnyRecord, AnyRecord> {
        const message = `the refined record ${record.id} belongs to lane ${record.plan.lane}, and came on lane ${lane}`;
        return { kind: 'dead', input: record, code: 'record-invalid', message };
      }

      return source.pipe(concatMap(enter));
    });
}

/** A real record that waits for a text whose plan knew it. */
interface Placed {
  readonly real: Real;
  readonly place: number;
}

function ordinalOf(record: Refined | LedgerEntry): number {
  return record.kind === 'refined' ? record.plan.ordinal : record.ordinal;
}

function forwarded(record: AnyRecord, changes: Changes = []): Outcome<AnyRecord, AnyRecord> {
  return { kind: 'emitted', input: record, outputs: [record], ...(changes.length > 0 && { changes }) };
}
