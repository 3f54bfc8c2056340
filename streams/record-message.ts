import { type AnyRecord, encode } from '../schemas/codec.js';
import type { Message } from './topics.js';

/** A record as a message: its label is the key, its schema and id are headers. */
export function recordMessage(topic: string, partition: number, record: AnyRecord): Message {
  const { value, headers } = encode(record);
  const key = 'label' in record && typeof record.label === 'string' ? record.label : null;
  return { topic, partition, key, value, headers: { ...headers, id: record.id } };
}
