import type { Call } from '../../schemas/call.js';
import { type ErrorCode, HeadwaterError } from '../../schemas/errors.js';
import type { Dead } from '../flow/outcome.js';

/** Failures of one request, or of an endpoint that may be back when the record is put back. */
const deadly: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'prompt-too-long',
  'grammar-invalid',
  'endpoint-refused',
  'endpoint-malformed',
  'endpoint-unreachable',
  'endpoint-timeout',
]);

/**
 * The dead end of a record whose model call failed for good. Every other error is thrown on, and ends the stream: a model
 * that is missing or damaged, a store that is full, a journal without the answer, a programmer's mistake.
 */
export function deadOrThrow<In>(input: In, error: unknown, calls: readonly Call[]): Dead<In> {
  if (!(error instanceof HeadwaterError) || !deadly.has(error.code)) throw error;
  return { kind: 'dead', input, code: error.code, message: error.message, calls };
}
