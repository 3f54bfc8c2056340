import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';

import type { RootDatabase } from 'lmdb';

import { HeadwaterError } from '../schemas/errors.js';
import { openEnvironment } from './log/environment.js';

/** Who has a folder. */
interface Holder {
  readonly pid: number;
  /** Tells the process from a later one with the same pid; empty where the system does not say. */
  readonly started: string;
  /** Tells this lock from others of the same process. */
  readonly token: string;
}

type LockStore = RootDatabase<Holder, string>;

/** Bytes; a small write of lmdb that finds the disk full harms the memory of the process. */
const leastFree = 2 ** 17;

/** Locks that this process holds; others with its pid are left from before a restart. */
const tokens = new Set<string>();

/**
 * A folder held by one process at a time. The holder is written in a transaction of a small store, which only one process can be
 * in, so that of two that find a dead holder one gets the folder.
 */
export class FolderLock {
  private constructor(
    private readonly dir: string,
    private readonly token: string,
  ) {}

  /** Rejects with `data-in-use`, naming the pid of the holder, or `store-unwritable`. */
  static async take(dir: string): Promise<FolderLock> {
    const token = randomUUID();
    // Known before it is written, or a second call in this process would take it for one of an earlier process.
    tokens.add(token);
    try {
      const holder = await inStore(dir, (store) => {
        const found = store.get('holder');
        if (found !== undefined && isAlive(found)) return found;
        store.putSync('holder', { pid: process.pid, started: startOf(process.pid), token });
        return undefined;
      });
      if (holder !== undefined) throw inUse(dir, holder);
    } catch (error) {
      tokens.delete(token);
      throw error;
    }
    return new FolderLock(dir, token);
  }

  /** On a full disk the lock stays, and is taken over once this process has ended. */
  async release(): Promise<void> {
    if (!tokens.delete(this.token)) return;
    const { bavail, bsize } = await statfs(this.dir);
    if (bavail * bsize < leastFree) return;
    await inStore(this.dir, (store) => {
      if (store.get('holder')?.token === this.token) store.removeSync('holder');
    });
  }
}

function inUse(dir: string, { pid }: Holder): HeadwaterError {
  const text = `process ${pid} runs on ${dir}: wait until it ends, stop it, or choose another folder with --data`;
  return new HeadwaterError('data-in-use', text);
}

/** Runs `action` while no other process is in the store. */
async function inStore<T>(dir: string, action: (store: LockStore) => T): Promise<T> {
  let store: LockStore | undefined;
  try {
    const opened: LockStore = openEnvironment(join(dir, 'lock.mdb'));
    store = opened;
    return opened.transactionSync(() => action(opened));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const text = `${dir} cannot be locked (${reason}): check its permissions and the free space`;
    throw new HeadwaterError('store-unwritable', text, { cause });
  } finally {
    await store?.close();
  }
}

function isAlive({ pid, started, token }: Holder): boolean {
  if (pid === process.pid) return tokens.has(token);
  return exists(pid) && startOf(pid) === started;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, but belongs to somebody else.
    return error instanceof Error && Reflect.get(error, 'code') === 'EPERM';
  }
}

/** When a process started, as Linux counts it since boot, with the boot's id. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command in parentheses may hold spaces; the start time is the 20th field after it.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${ticks}`;
  } catch {
    return '';
  }
}
