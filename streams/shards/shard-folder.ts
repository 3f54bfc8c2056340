import { readdirSync } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
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
  // One name for all, so that whoever comes next removes what a killed process left.
  const probe = join(dir, '.probe');
  try {
    await mkdir(dir, { recursive: true });
    const handle = await open(probe, 'w');
    try {
      await handle.write('a');
      await handle.sync();
    } finally {
      await handle.close();
      await rm(probe, { force: true });
    }
  } catch (error) {
    throw storeError(dir, error);
  }
}

/** The unfinished files of a lane: whoever begins with it asks first, as later ones may be those of its successor. */
export function partialNames(dir: string, lane: number): readonly string[] {
  try {
    return readdirSync(dir).filter((name) => isPartialName(name) && name.startsWith(`.${shardPrefix(lane)}-`));
  } catch (error) {
    throw storeError(dir, error);
  }
}

/**
 * Removes the partial files that a crash left of a lane. Finished ones stay: a replay writes them anew under the same name, and who
 * was asleep could not tell them from its successor's.
 *
 * Rejects with `HeadwaterError` with code `data-foreign` where the manifest names a shard of the lane from offset `next` on, the
 * first that is not committed: then the folder is another run's, and its files would be overwritten.
 */
export async function recoverLane(
  dir: string,
  { lane, next, partials }: { readonly lane: number; readonly next: number; readonly partials: readonly string[] },
): Promise<void> {
  for await (const entry of readManifest(dir)) {
    const shard = parse(entry.path);
    if (shard?.lane !== lane || shard.last < next) continue;
    throw new HeadwaterError(
      'data-foreign',
      `${join(dir, entry.path)} belongs to another run; choose another shards.dir, or move that folder away`,
    );
  }
  for (const name of partials) await remove(join(dir, name));
}

/**
 * Removes the files of a committed shard's samples that have other names, as a crash while a run stops may leave. True of a shard
 * that is committed whenever and by whomever it is asked; so nothing is removed that counts.
 */
export async function removeReplaced(dir: string, path: string): Promise<void> {
  const shard = parse(path);
  if (shard === undefined) return;
  for (const name of await list(dir)) {
    const other = parse(name);
    if (other?.lane !== shard.lane || other.first > shard.last || other.last < shard.first) continue;
    if (name !== path) await remove(join(dir, name));
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
    await rm(path, { force: true });
  } catch (error) {
    throw storeError(path, error);
  }
}

function parse(name: string): { readonly lane: number; readonly first: number; readonly last: number } | undefined {
  const [, lane, first, last] = /^samples-(\d+)-(\d{8,})-(\d{8,})\.(?:parquet|arrow)$/.exec(name) ?? [];
  if (lane === undefined || first === undefined || last === undefined) return undefined;
  return { lane: Number(lane), first: Number(first), last: Number(last) };
}

function digits(offset: number): string {
  return String(offset).padStart(8, '0');
}
