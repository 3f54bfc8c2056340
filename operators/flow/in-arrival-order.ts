import { defer, map, mergeMap, type OperatorFunction, tap } from 'rxjs';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Outcome } from './outcome.js';

/**
 * An operator whose outcomes come in the order of its inputs, whatever the order in which it ends them.
 *
 * For operators whose changes of memory must be committed in that order. An outcome is held until those of all earlier inputs have
 * come; held are at most as many as the caller lets in. No object may be in it twice. What never ended gets no outcome, and
 * neither does what waits for it. An outcome of something that it was not given errors the stream (`operator-failed`).
 *
 * @example
 * ```ts
 * const ordered = inArrivalOrder(mergeMap((plan) => written(plan), 8));
 * ```
 */
export function inArrivalOrder<In, Out>(
  operator: OperatorFunction<In, Outcome<In, Out>>,
): OperatorFunction<In, Outcome<In, Out>> {
  return (source) =>
    defer(() => {
      /** By arrival; null while it has not ended. */
      const outcomes = new Map<In, Outcome<In, Out> | null>();
      return source.pipe(
        tap((input) => outcomes.set(input, null)),
        operator,
        map((outcome) => {
          if (outcomes.get(outcome.input) !== null) {
            const what = 'an operator ended a record twice, or one that it was not given';
            throw new HeadwaterError('operator-failed', what);
          }
          outcomes.set(outcome.input, outcome);
          return released(outcomes);
        }),
        mergeMap((ended) => ended),
      );
    });
}

function released<In, Out>(outcomes: Map<In, Outcome<In, Out> | null>): readonly Outcome<In, Out>[] {
  const ended: Outcome<In, Out>[] = [];
  for (const [input, outcome] of outcomes) {
    if (outcome === null) break;
    outcomes.delete(input);
    ended.push(outcome);
  }
  return ended;
}
