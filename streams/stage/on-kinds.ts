import { connect, filter, map, merge, type OperatorFunction } from 'rxjs';

import type { Outcome } from '../../operators/flow/outcome.js';
import type { AnyRecord, Kind, RecordOfKind } from '../../schemas/codec.js';

/** An operator that takes some kinds of records, as one that takes all: the others are dead with `record-invalid`. */
export function onKinds<K extends Kind, Out extends AnyRecord>(
  kinds: readonly K[],
  operator: OperatorFunction<RecordOfKind<K>, Outcome<RecordOfKind<K>, Out>>,
): OperatorFunction<AnyRecord, Outcome<AnyRecord, AnyRecord>> {
  const isTaken = (record: AnyRecord): record is RecordOfKind<K> => kinds.some((kind) => kind === record.kind);
  const misplaced = (input: AnyRecord): Outcome<AnyRecord, AnyRecord> => {
    const message = `a ${input.kind} record is on a topic of ${kinds.join(', ')} records`;
    return { kind: 'dead', input, code: 'record-invalid', message };
  };
  return connect((records) =>
    merge(
      records.pipe(filter(isTaken), operator),
      records.pipe(
        filter((record) => !isTaken(record)),
        map(misplaced),
      ),
    ),
  );
}
