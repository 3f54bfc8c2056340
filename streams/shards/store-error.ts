import { HeadwaterError } from '../../schemas/errors.js';

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * What the system said about a file of the shard folder, as `HeadwaterError` with code `store-full` or `store-unwritable`;
 * an error that is not the system's comes back as it is.
 */
export function storeError(path: string, error: unknown): unknown {
  if (error instanceof HeadwaterError || !(error instanceof Error) || !('code' in error)) return error;
  const code = String(error.code);
  if (full.has(code)) {
    return new HeadwaterError('store-full', `the disk is full: ${path} (${code}); make room and start again`, {
      cause: error,
    });
  }
  const message = `cannot write ${path} (${error.message}); check the folder and its permissions`;
  return new HeadwaterError('store-unwritable', message, { cause: error });
}
