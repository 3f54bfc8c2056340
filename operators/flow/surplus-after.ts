import { Observable, type OperatorFunction, Subject } from 'rxjs';

import type { OpenAnswers } from './open-answers.js';
import type { Outcome } from './outcome.js';

/**
 * An operator that drops what it has not ended when a signal says that no more is wanted.
 *
 * Until the signal is aborted it is the given operator. Then that one is unsubscribed, which aborts what it has in flight,
 * and everything inside it, in order of arrival, and everything that still comes is dropped as `surplus`. With `answers`, the drop of
 * what was inside has the calls that were answered for it, among them those whose outcome was held back behind another one. Keeps
 * the inputs that are inside the operator, whose number the caller bounds.
 *
 * @example
 * ```ts
 * const stopping = new AbortController();
 * const answers = new OpenAnswers();
 * const model = journaled(instruct, answers.watching(journal));
 * const drafts = plans.pipe(surplusAfter(stopping.signal, answers)(draft({ model, domain })));
 * ```
 */
export function surplusAfter(
  signal: AbortSignal,
  answers?: Pick<OpenAnswers, 'of' | 'forget'>,
): <In extends object, Out>(
  operator: OperatorFunction<In, Outcome<In, Out>>,
) => OperatorFunction<In, Outcome<In, Out>> {
  return <In extends object, Out>(operator: OperatorFunction<In, Outcome<In, Out>>) =>
    (source: Observable<In>) =>
      new Observable<Outcome<In, Out>>((subscriber) => {
        /** Inside the operator, in order of arrival, each with how often it is there. */
        const inside = new Map<In, number>();
        const inner = new Subject<In>();
        let sourceCompleted = false;

        const operating = inner.pipe(operator).subscribe({
          next: (outcome) => {
            const times = inside.get(outcome.input) ?? 0;
            if (times > 1) inside.set(outcome.input, times - 1);
            else leave(outcome.input);
            subscriber.next(outcome);
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        });

        function leave(input: In): void {
          inside.delete(input);
          answers?.forget(idOf(input));
        }

        function drop(input: In): void {
          const calls = answers?.of(idOf(input)) ?? [];
          answers?.forget(idOf(input));
          const paid = calls.length > 0 ? { calls } : {};
          subscriber.next({ kind: 'dropped', input, reason: 'surplus', detail: 'no more samples are wanted', ...paid });
        }

        function stop(): void {
          operating.unsubscribe();
          const left = [...inside];
          inside.clear();
          for (const [input, times] of left) {
            for (let i = 0; i < times; i++) drop(input);
          }
          if (sourceCompleted) subscriber.complete();
        }

        subscriber.add(operating);
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop, { once: true });
        subscriber.add(() => signal.removeEventListener('abort', stop));
        subscriber.add(
          source.subscribe({
            next: (input) => {
              if (signal.aborted) {
                drop(input);
                return;
              }
              inside.set(input, (inside.get(input) ?? 0) + 1);
              inner.next(input);
            },
            error: (error) => subscriber.error(error),
            complete: () => {
              sourceCompleted = true;
              if (signal.aborted) subscriber.complete();
              else inner.complete();
            },
          }),
        );
      });
}

/** By which answers are kept: that of a record. */
function idOf(input: object): string {
  return 'id' in input ? String(input.id) : '';
}
