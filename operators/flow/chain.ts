import { Observable, type OperatorFunction, Subject, Subscription } from 'rxjs';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Changes, Outcome } from './outcome.js';

type Operator<In, Out> = OperatorFunction<In, Outcome<In, Out>>;

/**
 * Operators one after another, as one operator: what the first emits goes into the second, and so on.
 *
 * Every input ends once: when all that it gave rise to has ended. Its outcome is the last operator's, with the outputs of
 * all and the changes of all, both in order. Where it gave rise to several records, it is emitted if any of them was; else
 * it ends as the gravest of them did (dead, then dropped, then absorbed).
 *
 * Inputs end in the order in which the first operator ended them, so that changes of memory are committed in the order in
 * which they were made, as long as the later operators keep their order. An input that a later operator holds back holds
 * back those after it; all of them are kept here, so their number is bounded by what the caller lets in.
 *
 * The source's completion reaches the operators one by one; what never ended gets no outcome. An operator's error, or an
 * outcome of something that it was not given (`operator-failed`), errors the stream; unsubscription reaches all.
 *
 * @example
 * ```ts
 * const align = chain(inPlanOrder({ memory, lane }), quota({ memory, lane }), embed({ embedder, domain }));
 * const samples = refined.pipe(align, emitted());
 * ```
 */
export function chain<A, B, C>(a: Operator<A, B>, b: Operator<B, C>): Operator<A, C>;
export function chain<A, B, C, D>(a: Operator<A, B>, b: Operator<B, C>, c: Operator<C, D>): Operator<A, D>;
export function chain<A, B, C, D, E>(
  a: Operator<A, B>,
  b: Operator<B, C>,
  c: Operator<C, D>,
  d: Operator<D, E>,
): Operator<A, E>;
export function chain<A, B, C, D, E, F>(
  a: Operator<A, B>,
  b: Operator<B, C>,
  c: Operator<C, D>,
  d: Operator<D, E>,
  e: Operator<E, F>,
): Operator<A, F>;
export function chain<A, B, C, D, E, F, G>(
  a: Operator<A, B>,
  b: Operator<B, C>,
  c: Operator<C, D>,
  d: Operator<D, E>,
  e: Operator<E, F>,
  f: Operator<F, G>,
): Operator<A, G>;
export function chain<A, B, C, D, E, F, G, H>(
  a: Operator<A, B>,
  b: Operator<B, C>,
  c: Operator<C, D>,
  d: Operator<D, E>,
  e: Operator<E, F>,
  f: Operator<F, G>,
  g: Operator<G, H>,
): Operator<A, H>;
export function chain<A, B, C, D, E, F, G, H, I>(
  a: Operator<A, B>,
  b: Operator<B, C>,
  c: Operator<C, D>,
  d: Operator<D, E>,
  e: Operator<E, F>,
  f: Operator<F, G>,
  g: Operator<G, H>,
  h: Operator<H, I>,
): Operator<A, I>;
export function chain<A, B, C, D, E, F, G, H, I>(
  a: Operator<A, B>,
  b: Operator<B, C>,
  c?: Operator<C, D>,
  d?: Operator<D, E>,
  e?: Operator<E, F>,
  f?: Operator<F, G>,
  g?: Operator<G, H>,
  h?: Operator<H, I>,
): Operator<A, C | D | E | F | G | H | I> {
  const two = pair(a, b);
  if (c === undefined) return two;
  const three = pair(two, c);
  if (d === undefined) return three;
  const four = pair(three, d);
  if (e === undefined) return four;
  const five = pair(four, e);
  if (f === undefined) return five;
  const six = pair(five, f);
  if (g === undefined) return six;
  const seven = pair(six, g);
  return h === undefined ? seven : pair(seven, h);
}

/** An input that the first operator has ended, and what became of its outputs in the second. */
interface Line<A, B, C> {
  readonly first: Outcome<A, B>;
  /** By place among the first operator's outputs. */
  readonly second: Outcome<B, C>[];
  unfinished: number;
}

interface Slot<A, B, C> {
  readonly line: Line<A, B, C>;
  readonly place: number;
}

function pair<A, B, C>(first: Operator<A, B>, second: Operator<B, C>): Operator<A, C> {
  return (source) =>
    new Observable((subscriber) => {
      /** In the order of the first operator's outcomes; the head is unfinished, but while heads are being released. */
      const lines: Line<A, B, C>[] = [];
      /** What is inside the second operator, or on its way there; a record that is there twice ends in order. */
      const slots = new Map<B, Slot<A, B, C>[]>();
      /** A queue, since an outcome may bring in the next input before the outputs of this one are all handed on. */
      const waiting: B[] = [];
      const between = new Subject<B>();
      let feeding = false;
      let firstCompleted = false;

      function firstEnded(outcome: Outcome<A, B>): void {
        const outputs = outcome.kind === 'emitted' ? outcome.outputs : [];
        const line: Line<A, B, C> = { first: outcome, second: [], unfinished: outputs.length };
        lines.push(line);
        for (const [place, output] of outputs.entries()) {
          const sharing = slots.get(output);
          if (sharing === undefined) slots.set(output, [{ line, place }]);
          else sharing.push({ line, place });
          waiting.push(output);
        }
        release();
        feed();
      }

      function feed(): void {
        if (feeding) return;
        feeding = true;
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) between.next(next);
        feeding = false;
        if (firstCompleted) between.complete();
      }

      function secondEnded(outcome: Outcome<B, C>): void {
        const sharing = slots.get(outcome.input);
        const slot = sharing?.shift();
        if (slot === undefined) {
          const what = 'an operator of a chain ended a record twice, or one that it was not given';
          subscriber.error(new HeadwaterError('operator-failed', what));
          return;
        }
        if (sharing?.length === 0) slots.delete(outcome.input);
        slot.line.second[slot.place] = outcome;
        slot.line.unfinished--;
        release();
      }

      function release(): void {
        while (lines[0]?.unfinished === 0) {
          const line = lines.shift();
          if (line !== undefined) subscriber.next(ending(line.first, line.second));
        }
      }

      const subscription = new Subscription();
      subscriber.add(subscription);
      subscription.add(
        between.pipe(second).subscribe({
          next: secondEnded,
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      );
      if (subscriber.closed) return;
      subscription.add(
        source.pipe(first).subscribe({
          next: firstEnded,
          error: (error) => subscriber.error(error),
          complete: () => {
            firstCompleted = true;
            feed();
          },
        }),
      );
    });
}

const gravity = { dead: 3, dropped: 2, absorbed: 1, emitted: 0 } as const;

/** One outcome of the input, from the first operator's and those of its outputs. */
function ending<A, B, C>(first: Outcome<A, B>, second: readonly Outcome<B, C>[]): Outcome<A, C> {
  const { input } = first;
  const changes = [...(first.changes ?? []), ...second.flatMap((outcome) => outcome.changes ?? [])];
  if (first.kind !== 'emitted') return first;
  const emitted = second.filter((outcome) => outcome.kind === 'emitted');
  const gravest = second.toSorted((a, b) => gravity[b.kind] - gravity[a.kind])[0];
  if (emitted.length > 0 || gravest === undefined || gravest.kind === 'emitted') {
    const outputs = emitted.flatMap((outcome) => outcome.outputs);
    return withChanges({ kind: 'emitted', input, outputs }, changes);
  }
  return withChanges({ ...gravest, input }, changes);
}

function withChanges<In, Out>(outcome: Outcome<In, Out>, changes: Changes): Outcome<In, Out> {
  return changes.length > 0 ? { ...outcome, changes } : outcome;
}
