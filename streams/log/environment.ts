import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { open, type RootDatabase } from 'lmdb';

/** Where LMDB's magic number stands in a file, and what it is. */
const magicAt = 24;
const magic = 0xbeefc0de;

/** Where the size of a page, the number of the last page and that of the commit stand in each of the first two pages. */
const pageSizeAt = 48;
const lastPageAt = 144;
const commitAt = 152;
/** Pages at the end of a whole file that may never have been written, as they were freed again by the same commit. */
const mayLack = 16;

/**
 * Opens or creates an LMDB file. Without overlapping syncs a commit is flushed before it becomes visible; nothing is batched behind
 * the caller's back. Throws where the file is something else, or cut off, at which lmdb itself would crash the process.
 */
export function openEnvironment<V>(path: string): RootDatabase<V, string> {
  checkMagic(path);
  checkLength(path);
  return open({ path, encoding: 'json', overlappingSync: false, eventTurnBatching: false });
}

function checkMagic(path: string): void {
  const head = readHead(path);
  if (head.byteLength === 0) return;
  if (head.byteLength >= magicAt + 4 && head.readUInt32LE(magicAt) === magic) return;
  throw new Error(`${path} is no store of Headwater`);
}

/** A file that was cut, as by a copy that broke off, lacks pages that its newest commit has. */
function checkLength(path: string): void {
  const pageSize = readAt(path, pageSizeAt, 4)?.readUInt32LE() ?? 0;
  if (pageSize === 0) return;
  const metas = [0, pageSize].map((page) => readAt(path, page + lastPageAt, 16));
  const [newest] = metas
    .flatMap((meta) =>
      meta === undefined ? [] : [{ last: number64(meta, 0), commit: number64(meta, commitAt - lastPageAt) }],
    )
    .sort((a, b) => b.commit - a.commit);
  const bytes = sizeOf(path);
  if (newest === undefined || bytes >= (newest.last + 1 - mayLack) * pageSize) return;
  throw new Error(`${path} is cut off: it has ${bytes} of ${(newest.last + 1) * pageSize} bytes`);
}

function number64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

/** Undefined where the file has none there. */
function readAt(path: string, position: number, length: number): Buffer | undefined {
  return withFile(path, (file) => {
    const bytes = Buffer.alloc(length);
    return readSync(file, bytes, 0, length, position) === length ? bytes : undefined;
  });
}

function sizeOf(path: string): number {
  return withFile(path, (file) => fstatSync(file).size) ?? 0;
}

/** Undefined where there is no file, or it cannot be read, which opening it will say. */
function withFile<Result>(path: string, action: (file: number) => Result): Result | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    return action(file);
  } finally {
    closeSync(file);
  }
}

/** The first bytes of a file, none where there is no file. */
function readHead(path: string): Buffer {
  const read = withFile(path, (file) => {
    const head = Buffer.alloc(magicAt + 4);
    return head.subarray(0, readSync(file, head));
  });
  return read ?? Buffer.alloc(0);
}
