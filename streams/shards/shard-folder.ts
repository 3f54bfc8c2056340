import { mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Shard } from '../../schemas/shard.js';
import { readManifest } from './manifest-file.js';
import { storeError } from './store-error.js';

const extensions = { parquet: 'parquet', arrow: 'arrow' } as const;

/** The file of a lane's samples from the first to the last offset: `samples-0-00000000-00000023.parquet`. */
export function shardName(lane: number, first: number, last: number, format: Shard['format']): string {
  return `${shardPrefix(lane)}-${digits(first)}-${digits(last)}.${extensions[format]}`;
}

/** How the names of a lane's files begin. */
export function shardPrefix(lane: number): string {
  return `samples-${lane}`;
}

/** Whether a file of the folder is a shard by its name. */
export function isShardName(name: string): boolean {
  return parse(name) !== undefined;
}

/** Whether a file of the folder is a shard that was never completed. */
export function isPartialName(name: string): boolean {
  return /^\.samples-\d+-[0-9a-f]+\.partial$/.test(name);
}

/**
 * Makes the folder and tries to write in it, so that a run fails before it pays for samples.
 * Rejects with `HeadwaterError` with code `store-full` or `store-unwritable`.
 */
export async function checkShardFolder(dir: string): Promise<void> {
  const probe = join(dir, `.probe-${process.pid}`);
  try {
    await mkdir(dir, { recursive: true });
    const handle = await open(probe, 'w');
    try {
      await handle.write('a');
      await handle.sync();
    } finally {
      await handle.close();
      await unlink(probe);
    }
  } catch (error) {
    throw storeError(dir, error);
  }
}

/**
 * Removes what a crash left of a lane's shards from offset `next` on, the first that is not committed: a replay writes them again.
 *
 * Rejects with `HeadwaterError` with code `data-foreign` where the manifest names such a shard: then the folder is another
 * run's, and its files would be overwritten.
 */
export async function recoverLane(dir: string, lane: number, next: number): Promise<void> {
  const names = await list(dir);
  const uncommitted = names.filter((name) => {
    const shard = parse(name);
    return shard?.lane === lane && shard.last >= next;
  });
  await refuseNamed(dir, new Set(uncommitted));
  const partial = names.filter((name) => isPartialName(name) && name.startsWith(`.${shardPrefix(lane)}-`));
  for (const name of [...uncommitted, ...partial]) await remove(join(dir, name));
}

async function refuseNamed(dir: string, names: ReadonlySet<string>): Promise<void> {
  if (names.size === 0) return;
  for await (const entry of readManifest(dir)) {
    if (!names.has(entry.path)) continue;
    throw new HeadwaterError(
      'data-foreign',
      `${join(dir, entry.path)} belongs to another run; choose another shards.dir, or move that folder away`,
    );
  }
}

async function list(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    throw storeError(dir, error);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    throw storeError(path, error);
  }
}

function parse(name: string): { readonly lane: number; readonly last: number } | undefined {
  const [, lane, last] = /^samples-(\d+)-\d{8,}-(\d{8,})\.(?:parquet|arrow)$/.exec(name) ?? [];
  return lane === undefined || last === undefined ? undefined : { lane: Number(lane), last: Number(last) };
}

function digits(offset: number): string {
  return String(offset).padStart(8, '0');
}
