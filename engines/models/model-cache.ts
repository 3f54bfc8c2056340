import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { HeadwaterError } from '../../schemas/errors.js';
import type { ModelFile } from './catalogue.js';

/** Where models are kept: `HEADWATER_MODELS`, or the user's cache folder of this operating system. */
export function modelFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env['HEADWATER_MODELS']) return resolve(env['HEADWATER_MODELS']);
  if (env['XDG_CACHE_HOME']) return resolve(env['XDG_CACHE_HOME'], 'headwater', 'models');
  const home = env['HOME'] || env['USERPROFILE'] || homedir();
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'headwater', 'models');
  if (platform === 'win32') {
    return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'headwater', 'Cache', 'models');
  }
  return join(home, '.cache', 'headwater', 'models');
}

/** Where the bytes of an unfinished download wait; named by the hash, so that two releases are never mixed. */
export function partialPath(path: string, file: ModelFile): string {
  return `${path}.${file.sha256.slice(0, 12)}.part`;
}

/** What the cache holds under a file's name. */
export type Kept =
  | { readonly state: 'present' }
  | { readonly state: 'missing' }
  | { readonly state: 'damaged'; readonly why: string };

/**
 * Checks a kept file: its size always; its hash once, which a small file beside it remembers together with the size and the
 * time of the last change. Rejects with `store-unwritable` where the file cannot be read.
 */
export async function checkKept(path: string, file: ModelFile): Promise<Kept> {
  const found = await statOf(path);
  if (found === undefined) return { state: 'missing' };
  if (!found.isFile()) return { state: 'damaged', why: 'it is not a file' };
  if (found.size !== file.bytes)
    return { state: 'damaged', why: `it has ${found.size} bytes instead of ${file.bytes}` };
  const stamp = stampOf(file, found.mtimeMs);
  if ((await rememberedStamp(path)) === stamp) return { state: 'present' };
  const sha256 = await hashOf(path);
  if (sha256 !== file.sha256) return { state: 'damaged', why: `its SHA-256 is ${sha256} instead of ${file.sha256}` };
  await remember(path, stamp);
  return { state: 'present' };
}

/** Notes beside a file that its hash was found right. */
export async function rememberChecked(path: string, file: ModelFile): Promise<void> {
  const found = await stat(path);
  await remember(path, stampOf(file, found.mtimeMs));
}

/** The error of the file system as one of ours: `store-full` or `store-unwritable`; other errors pass unchanged. */
export function storeError(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HeadwaterError('store-full', `the disk is full at ${path}: free some space, then pull again`, {
      cause: error,
    });
  }
  if (typeof code === 'string' && ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'EEXIST'].includes(code)) {
    return new HeadwaterError('store-unwritable', `${path} cannot be written (${code}); name another folder`, {
      cause: error,
    });
  }
  return error;
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw storeError(error, path);
  }
}

function stampOf(file: ModelFile, mtimeMs: number): string {
  return JSON.stringify({ sha256: file.sha256, bytes: file.bytes, mtimeMs });
}

async function rememberedStamp(path: string): Promise<string | undefined> {
  return readFile(sidecar(path), 'utf8').catch(() => undefined);
}

/** A folder that cannot be written costs only the time of the next check. */
async function remember(path: string, stamp: string): Promise<void> {
  const temporary = `${sidecar(path)}.${process.pid}`;
  await writeFile(temporary, stamp)
    .then(() => rename(temporary, sidecar(path)))
    .catch(() => undefined);
}

function sidecar(path: string): string {
  return `${path}.checked`;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
