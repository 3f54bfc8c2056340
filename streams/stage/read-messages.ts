import { type AnyRecord, decode } from '../../schemas/codec.js';
import { type ErrorCode, HeadwaterError } from '../../schemas/errors.js';
import type { StoredMessage } from '../topics.js';
import type { Stage } from './stage.js';

/** A message on its way into an operator: as its record, or with what is wrong with it. */
export type Entrant =
  | { readonly message: StoredMessage; readonly record: AnyRecord }
  | { readonly message: StoredMessage; readonly fault: HeadwaterError };

/** The codes of errors that a message itself is to blame for: it becomes a dead letter and harms nothing else. */
export const ownFaults: ReadonlySet<ErrorCode> = new Set([
  'record-undecodable',
  'record-invalid',
  'schema-unknown',
  'line-invalid',
]);

/**
 * Messages as records, in their order; none once `signal` is aborted. At once with our own codec, one after the other with a
 * stage's. Throws what no message is to blame for.
 */
export async function readMessages(
  messages: readonly StoredMessage[],
  decodeForeign: Stage['decode'],
  signal: AbortSignal,
): Promise<readonly Entrant[]> {
  if (decodeForeign === undefined) return messages.map(readOwn);
  const entrants: Entrant[] = [];
  for (const message of messages) {
    try {
      entrants.push({ message, record: await decodeForeign(message, signal) });
    } catch (error) {
      if (signal.aborted) return [];
      entrants.push({ message, fault: asFault(error) });
    }
  }
  return entrants;
}

function readOwn(message: StoredMessage): Entrant {
  try {
    return { message, record: decode(message.value ?? new Uint8Array(), message.headers) };
  } catch (error) {
    return { message, fault: asFault(error) };
  }
}

function asFault(error: unknown): HeadwaterError {
  if (error instanceof HeadwaterError && ownFaults.has(error.code)) return error;
  throw error;
}
