import type { DeadLetter } from '../../schemas/dead-letter.js';
import { recordId } from '../../schemas/ids.js';
import type { StoredMessage } from '../topics.js';

const maxValueBytes = 64 * 1024;

/** A message that could not be processed, as the record that keeps it. */
export function deadLetter(stage: string, message: StoredMessage, code: string, reason: string): DeadLetter {
  const { topic, partition, offset, key, headers, value, timestamp } = message;
  const kept = (value ?? new Uint8Array()).subarray(0, maxValueBytes);
  const cut = value !== null && value.byteLength > maxValueBytes;
  return {
    kind: 'dead-letter',
    id: recordId('dead-letter', stage, topic, partition, offset),
    stage,
    code,
    message: reason,
    origin: { topic, partition, offset },
    key,
    headers: { ...headers },
    ...textOrBase64(kept, cut),
    cut,
    at: timestamp,
  };
}

function textOrBase64(value: Uint8Array, cut: boolean): Pick<DeadLetter, 'value' | 'encoding'> {
  try {
    // A value that was cut may end within a character, which is left out.
    return { value: new TextDecoder('utf-8', { fatal: true }).decode(value, { stream: cut }), encoding: 'utf8' };
  } catch {
    return { value: Buffer.from(value).toString('base64'), encoding: 'base64' };
  }
}
