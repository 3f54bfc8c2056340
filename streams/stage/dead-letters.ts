import type { DeadLetter } from '../../schemas/dead-letter.js';
import { recordId } from '../../schemas/ids.js';
import type { StoredMessage } from '../topics.js';

const maxValueBytes = 64 * 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A message that could not be processed, as the record that keeps it. */
export function deadLetter(stage: string, message: StoredMessage, code: string, reason: string): DeadLetter {
  const { topic, partition, offset, key, headers, value, timestamp } = message;
  const kept = (value ?? new Uint8Array()).subarray(0, maxValueBytes);
  return {
    kind: 'dead-letter',
    id: recordId('dead-letter', stage, topic, partition, offset),
    stage,
    code,
    message: reason,
    origin: { topic, partition, offset },
    key,
    headers: { ...headers },
    ...textOrBase64(kept),
    cut: value !== null && value.byteLength > maxValueBytes,
    at: timestamp,
  };
}

function textOrBase64(value: Uint8Array): Pick<DeadLetter, 'value' | 'encoding'> {
  try {
    return { value: utf8.decode(value), encoding: 'utf8' };
  } catch {
    return { value: Buffer.from(value).toString('base64'), encoding: 'base64' };
  }
}
