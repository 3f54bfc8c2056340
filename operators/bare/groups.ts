import { concat, defer, EMPTY, mergeMap, type Observable, type OperatorFunction, of } from 'rxjs';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Plan } from '../../schemas/plan.js';
import { inArrivalOrder } from '../flow/in-arrival-order.js';
import type { Changes, Outcome } from '../flow/outcome.js';

/** Where in the sequence of groups a plan stands, or is expected. */
export interface GroupPlace {
  readonly number: number;
  readonly place: number;
}

/** Plans that are written together: a group, or what is left of one after a restart, or one plan on its own. */
export interface Batch {
  readonly plans: readonly Plan[];
  /** The place of the first of them; undefined for a plan on its own, of which nothing is remembered. */
  readonly from: GroupPlace | undefined;
}

/** Writes the plans of a batch: one outcome for each, in their order. */
export type WriteBatch<Out> = (batch: Batch) => Observable<Outcome<Plan, Out>>;

const nextKey = 'next';

/**
 * An operator on plans that writes the plans of a group together, `maxInFlight` groups at once.
 *
 * Groups come whole and in order, as the planner sends them: one is written when all of it is there. A plan that does not come in
 * that order (a dead letter that was put back) is written on its own, and so is one without a group. Outcomes come in the order of
 * the plans, so that a commit of any number of them leaves at most one group begun: the memory holds the place that comes next
 * (`next`) and what `write` keeps for that group. When the source completes, plans of a group that is not all there get no outcome.
 */
export function byGroup<Out>(
  memory: ReadonlyMap<string, unknown>,
  maxInFlight: number,
  write: WriteBatch<Out>,
): OperatorFunction<Plan, Outcome<Plan, Out>> {
  const start = restoredPlace(memory) ?? { number: 0, place: 0 };
  return inArrivalOrder((plans) => plans.pipe(batches(start), mergeMap(write, maxInFlight)));
}

/** The place that comes next, as the memory holds it. Throws `HeadwaterError` with code `record-invalid`. */
export function restoredPlace(memory: ReadonlyMap<string, unknown>): GroupPlace | undefined {
  const value = memory.get(nextKey);
  if (value === undefined || value === null) return undefined;
  const { number, place } = value as Partial<GroupPlace>;
  if (isPlace(number) && isPlace(place)) return { number, place };
  const what = `the memory of an operator holds ${JSON.stringify(value)} under '${nextKey}', where a place in a group belongs`;
  throw new HeadwaterError('record-invalid', what);
}

/** The change of memory when a plan of a batch has ended; none for a plan on its own. */
export function advanced({ from }: Batch, { group }: Plan): Changes {
  if (from === undefined || group === undefined) return [];
  return [[nextKey, placeAfter(group)]];
}

/** Whether a plan is the last of its group. */
export function isLast({ group }: Plan): boolean {
  return group === undefined || group.place === group.size - 1;
}

function placeAfter({ number, place, size }: NonNullable<Plan['group']>): GroupPlace {
  return place === size - 1 ? { number: number + 1, place: 0 } : { number, place: place + 1 };
}

function batches(start: GroupPlace): OperatorFunction<Plan, Batch> {
  return (source) =>
    defer(() => {
      let expected = start;
      /** Plans of the group that is coming in, from the first on that is there; at most a group. */
      let open: Plan[] = [];

      function take(): Observable<Batch> {
        const [first] = open;
        if (first?.group === undefined) return EMPTY;
        const batch = { plans: open, from: { number: first.group.number, place: first.group.place } };
        open = [];
        return of(batch);
      }

      return source.pipe(
        mergeMap((plan) => {
          const { group } = plan;
          if (group === undefined || !isInSequence(group, expected)) return of({ plans: [plan], from: undefined });
          // The rest of a group that another follows will not come: what is there of it is written.
          const before = group.place === 0 ? take() : EMPTY;
          open.push(plan);
          expected = placeAfter(group);
          return concat(before, isLast(plan) ? take() : EMPTY);
        }),
      );
    });
}

function isInSequence({ number, place }: GroupPlace, expected: GroupPlace): boolean {
  if (number === expected.number && place === expected.place) return true;
  return place === 0 && number > expected.number;
}

function isPlace(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
