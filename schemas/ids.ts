import { createHash } from 'node:crypto';

/** The id of a record: 128 bits of SHA-256 over what caused it, so that a replay makes the same id. */
export function recordId(kind: string, ...causes: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, ...causes]))
    .digest('hex')
    .slice(0, 32);
}
