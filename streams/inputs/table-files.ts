import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { manifestName, readManifest } from '../shards/manifest-file.js';
import { inputFiles } from './input-files.js';

/**
 * The paths that `openTable` reads for a source: a file, those of a glob, or a shard folder's manifest and shards.
 *
 * None for `-`. Rejects as `openTable` does where there is no such file.
 */
export async function tableFiles(source: string, base: string): Promise<readonly string[]> {
  if (source === '-') return [];
  const folder = resolve(base, source);
  if (!(await isShardFolder(folder))) return (await inputFiles(source, base)).map(({ path }) => path);
  const shards: string[] = [];
  for await (const { path } of readManifest(folder)) shards.push(join(folder, path));
  return [join(folder, manifestName), ...shards];
}

/** Whether a folder has a manifest of shards. */
export async function isShardFolder(folder: string): Promise<boolean> {
  return stat(join(folder, manifestName)).then(
    (stats) => stats.isFile(),
    () => false,
  );
}
