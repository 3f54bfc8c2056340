import { closeSync, openSync, readSync } from 'node:fs';

import { open, type RootDatabase } from 'lmdb';

/** Where LMDB's magic number stands in a file, and what it is. */
const magicAt = 24;
const magic = 0xbeefc0de;

/**
 * Opens or creates an LMDB file. Without overlapping syncs a commit is flushed before it becomes visible; nothing is batched behind
 * the caller's back. Throws where the file is something else, at which lmdb itself would crash the process.
 */
export function openEnvironment<V>(path: string): RootDatabase<V, string> {
  checkMagic(path);
  return open({ path, encoding: 'json', overlappingSync: false, eventTurnBatching: false });
}

function checkMagic(path: string): void {
  const head = readHead(path);
  if (head.byteLength === 0) return;
  if (head.byteLength >= magicAt + 4 && head.readUInt32LE(magicAt) === magic) return;
  throw new Error(`${path} is no store of Headwater`);
}

/** The first bytes of a file, none where there is no file. */
function readHead(path: string): Buffer {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return Buffer.alloc(0); // Missing; or unreadable, which opening it will say.
  }
  try {
    const head = Buffer.alloc(magicAt + 4);
    return head.subarray(0, readSync(file, head));
  } finally {
    closeSync(file);
  }
}
