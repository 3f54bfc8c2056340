import { map, type OperatorFunction } from 'rxjs';

import type { Outcome } from './outcome.js';

/** Records in, those of another kind out; those of the kind are absorbed. In order; nothing is kept. */
export function without<In extends { readonly kind: string }, K extends In['kind']>(
  kind: K,
): OperatorFunction<In, Outcome<In, Exclude<In, { readonly kind: K }>>> {
  const isOther = (record: In): record is Exclude<In, { readonly kind: K }> => record.kind !== kind;
  return map((input) => (isOther(input) ? { kind: 'emitted', input, outputs: [input] } : { kind: 'absorbed', input }));
}
