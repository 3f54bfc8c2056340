import { resolve } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { ManifestEntry } from '../../schemas/shard.js';
import { readManifest } from '../../streams/shards/manifest-file.js';
import { verifyShards } from '../../streams/shards/verify.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { loadRecipe } from '../recipe/load-recipe.js';
import { keptRun, type PipelineOptions } from '../run/kept-run.js';

export interface ShardsOptions extends PipelineOptions {
  readonly action?: string;
  readonly out?: string;
}

/** `headwater shards`: lists the manifest, or verifies every file against it. */
export async function shards(options: ShardsOptions, io: Io): Promise<number> {
  const dir = await shardFolder(options);
  if (options.action === undefined || options.action === 'list') return list(dir, io);
  if (options.action === 'verify') return verify(dir, io);
  throw new HeadwaterError('recipe-invalid', `shards: there is no action '${options.action}': choose list or verify`);
}

async function list(dir: string, io: Io): Promise<number> {
  const entries: ManifestEntry[] = [];
  for await (const entry of readManifest(dir)) entries.push(entry);
  if (io.json) io.out(`${JSON.stringify(entries, null, 2)}\n`);
  else for (const entry of entries) io.out(`${line(entry)}\n`);
  if (entries.length === 0) io.err(`There are no shards in ${dir} yet.\n`);
  return exitCodes.done;
}

function line({ seq, path, rows, bytes, closedBy, statistics, sha256 }: ManifestEntry): string {
  const mmd2 = statistics.mmd2 === null ? '' : `, MMD² ${statistics.mmd2.toFixed(4)}`;
  return `${String(seq).padStart(4)}  ${path}  ${rows} rows, ${bytes} bytes, closed by ${closedBy}${mmd2}, sha256 ${sha256.slice(0, 12)}`;
}

async function verify(dir: string, io: Io): Promise<number> {
  const verification = await verifyShards(dir);
  const { shards: count, rows, bytes, findings } = verification;
  if (io.json) io.out(`${JSON.stringify({ dir, ...verification }, null, 2)}\n`);
  else {
    for (const { path, problem, message } of findings) io.out(`${path}: ${problem}: ${message}\n`);
    io.out(
      `${count} shards, ${rows} rows, ${bytes} bytes: ${findings.length === 0 ? 'all as the manifest says' : `${findings.length} problems`}\n`,
    );
  }
  return findings.length === 0 ? exitCodes.done : exitCodes.failed;
}

async function shardFolder({ out, recipe, data }: ShardsOptions): Promise<string> {
  if (out !== undefined) return resolve(out);
  const named = recipe === undefined ? undefined : (await loadRecipe(recipe, { set: [], secrets: 'none' })).recipe;
  const dataDir = resolve(data ?? named?.topics.dir ?? '.headwater');
  const kept = await keptRun(dataDir);
  if (kept !== undefined) return kept.shardDir;
  if (named !== undefined) return resolve(named.shards.dir);
  throw new HeadwaterError('input-unreadable', `nothing was run in ${dataDir} yet: name the shard folder with --out`);
}
