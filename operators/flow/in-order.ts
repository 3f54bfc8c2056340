import { concatMap, defer, type OperatorFunction } from 'rxjs';

/** A value with its place in the order, from 0, without gaps. */
export interface Placed<T> {
  readonly place: number;
  readonly value: T;
}

/**
 * Values in any order in, the same in the order of their places out.
 *
 * A value waits here for those before it; their number is bounded by how far values can overtake each other. What still waits when
 * the source completes is dropped with the gap before it.
 *
 * @example
 * ```ts
 * const answers = questions.pipe(mergeMap(ask, 8), inOrder());
 * ```
 */
export function inOrder<T>(): OperatorFunction<Placed<T>, T> {
  return (source) =>
    defer(() => {
      const waiting = new Map<number, T>();
      let next = 0;
      return source.pipe(
        concatMap(({ place, value }) => {
          waiting.set(place, value);
          const ready: T[] = [];
          for (let head = waiting.get(next); head !== undefined; head = waiting.get(next)) {
            waiting.delete(next++);
            ready.push(head);
          }
          return ready;
        }),
      );
    });
}
