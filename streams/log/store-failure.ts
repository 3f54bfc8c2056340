import { statfs } from 'node:fs/promises';

import { HeadwaterError } from '../../schemas/errors.js';

/** Free bytes below which a failed write is put down to a full disk: LMDB reports a write that is cut short as EIO. */
const almostFull = 16 * 2 ** 20;
const mapFull = -30792;
const fullCodes = new Set<unknown>([28, 27, 122, mapFull, 'ENOSPC', 'EFBIG', 'EDQUOT']);

/** What a failed read or write of the store in `dir` means: `store-full`, or `store-unwritable` for everything else. */
export async function storeFailure(dir: string, error: unknown): Promise<HeadwaterError> {
  if (error instanceof HeadwaterError) return error;
  const cause = await rootCause(error);
  const options = { cause };
  if (fullCodes.has(codeOf(cause)) || (await freeBytes(dir)) < almostFull) {
    const text = `the disk that holds ${dir} is full; nothing of this write was kept: free some space and start again`;
    return new HeadwaterError('store-full', text, options);
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `the store in ${dir} cannot be opened or written (${reason}): check the path, its permissions and the disk's limits`;
  return new HeadwaterError('store-unwritable', text, options);
}

/** lmdb keeps the reason of a failed commit in a promise of its own, which must be handled. */
async function rootCause(error: unknown): Promise<unknown> {
  const commitError = typeof error === 'object' && error !== null ? Reflect.get(error, 'commitError') : undefined;
  if (!(commitError instanceof Promise)) return error;
  return commitError.then(
    () => error,
    (cause: unknown) => cause,
  );
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
}

async function freeBytes(dir: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
