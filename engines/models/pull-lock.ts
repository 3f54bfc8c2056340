import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

import { storeError } from './model-cache.js';

const beatMs = 5_000;
const deadMs = 60_000;
const retryMs = 100;

/**
 * Runs `work` while no other process works under the same lock file. Waits for a live owner; takes over from one that died
 * (its process is gone, or the file was not touched for a minute). Rejects with the signal's reason.
 */
export async function locked<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const mark = JSON.stringify({ pid: process.pid, host: hostname(), owner: randomUUID() });
  while (!(await take(path, mark))) {
    if (!(await clearDead(path))) await wait(retryMs, undefined, signal === undefined ? {} : { signal });
    signal?.throwIfAborted();
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, beatMs);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    if ((await contentOf(path)) === mark) await rm(path, { force: true });
  }
}

async function take(path: string, mark: string): Promise<boolean> {
  try {
    await writeFile(path, mark, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw storeError(error, path);
  }
}

/** Moves a dead owner's lock away; a live one that slipped in between is put back. */
async function clearDead(path: string): Promise<boolean> {
  const seen = await contentOf(path);
  if (seen === undefined) return true;
  if (!(await isDead(path, seen))) return false;
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return true;
  }
  if ((await contentOf(aside)) !== seen) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

async function isDead(path: string, content: string): Promise<boolean> {
  const touched = await stat(path).catch(() => undefined);
  if (touched === undefined) return false;
  if (Date.now() - touched.mtimeMs > deadMs) return true;
  const owner = ownerOf(content);
  return owner !== undefined && owner.host === hostname() && !isRunning(owner.pid);
}

function ownerOf(content: string): { readonly pid: number; readonly host: string } | undefined {
  try {
    const owner: unknown = JSON.parse(content);
    if (typeof owner !== 'object' || owner === null || !('pid' in owner) || !('host' in owner)) return undefined;
    return typeof owner.pid === 'number' && typeof owner.host === 'string'
      ? { pid: owner.pid, host: owner.host }
      : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
