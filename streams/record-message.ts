import { type AnyRecord, encode } from '../schemas/codec.js';
import type { Message } from './topics.js';

/** A record as a message: its label is the key; its schema, its id and the trace of its line are headers. */
export function recordMessage(topic: string, partition: number, record: AnyRecord): Message {
  const { value, headers } = encode(record);
  const key = 'label' in record && typeof record.label === 'string' ? record.label : null;
  return { topic, partition, key, value, headers: { ...headers, id: record.id, trace: traceOf(record) } };
}

/** The plan that a record came of, by which all of a line can be found; else the record itself. */
function traceOf(record: AnyRecord): string {
  if ('plan' in record) return record.plan.id;
  if (record.kind === 'sample') return record.lineage.planId;
  return record.kind === 'ledger-entry' ? record.planId : record.id;
}
