import { concatMap, EMPTY, from, type OperatorFunction } from 'rxjs';

import type { Outcome } from './outcome.js';

/**
 * Outcomes in, the records that they emit out, in order; the rest is left out.
 *
 * @example
 * ```ts
 * const samples = await lastValueFrom(plans.pipe(draft({ model }), emitted(), toArray()));
 * ```
 */
export function emitted<Out>(): OperatorFunction<Outcome<unknown, Out>, Out> {
  return concatMap((outcome) => (outcome.kind === 'emitted' ? from(outcome.outputs) : EMPTY));
}
