import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { ManifestEntry } from '../../schemas/shard.js';
import { countRows } from './count-rows.js';
import { readManifest } from './manifest-file.js';
import { isPartialName, isShardName } from './shard-folder.js';

/** What is wrong in a shard folder. */
export type ShardProblem =
  /** The file that an entry names is not there, or is outside the folder. */
  | 'missing'
  | 'bytes'
  | 'sha256'
  /** The file cannot be read as its format, or has another number of rows. */
  | 'rows'
  /** The entries are not numbered 0, 1, 2, ... */
  | 'seq'
  /** Two entries have the same file or the same samples. */
  | 'overlap'
  /** A file that no entry names. */
  | 'stray'
  /** A line of the manifest cannot be read; what follows it was not looked at. */
  | 'manifest';

export interface ShardFinding {
  readonly problem: ShardProblem;
  /** Of the entry; null for a file that the manifest does not name. */
  readonly seq: number | null;
  readonly path: string;
  /** What was expected and what is there, for a person. */
  readonly message: string;
}

export interface Verification {
  readonly shards: number;
  readonly rows: number;
  readonly bytes: number;
  /** Empty where all is well. */
  readonly findings: readonly ShardFinding[];
}

/**
 * Holds every file of a shard folder against its manifest: size, SHA-256, rows, order, overlaps, strays. Changes nothing.
 *
 * Reads each file whole. Rejects with `HeadwaterError` with code `input-unreadable` where the folder cannot be read.
 */
export async function verifyShards(dir: string): Promise<Verification> {
  const findings: ShardFinding[] = [];
  const entries: ManifestEntry[] = [];
  const names = await list(dir);
  try {
    for await (const entry of readManifest(dir)) entries.push(entry);
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error;
    findings.push({ problem: 'manifest', seq: null, path: 'manifest.jsonl', message: error.message });
  }
  findings.push(...checkOrder(entries), ...checkOverlaps(entries));
  for (const entry of entries) findings.push(...(await checkFile(dir, names, entry)));
  findings.push(...checkStrays(names, entries));
  return { shards: entries.length, rows: sum(entries, 'rows'), bytes: sum(entries, 'bytes'), findings };
}

function checkOrder(entries: readonly ManifestEntry[]): readonly ShardFinding[] {
  return entries.flatMap((entry, index) =>
    entry.seq === index ? [] : [finding('seq', entry, `line ${index + 1} has seq ${entry.seq}, expected ${index}`)],
  );
}

interface Range {
  readonly entry: ManifestEntry;
  readonly source: string;
  readonly first: number;
  readonly last: number;
}

function checkOverlaps(entries: readonly ManifestEntry[]): readonly ShardFinding[] {
  const ranges: Range[] = entries.flatMap((entry) =>
    entry.offsets.map(({ topic, partition, first, last }) => ({ entry, source: `${topic}/${partition}`, first, last })),
  );
  ranges.sort((a, b) => compare(a.source, b.source) || a.first - b.first || a.entry.seq - b.entry.seq);
  const findings: ShardFinding[] = [];
  let furthest: Range | undefined;
  for (const range of ranges) {
    if (furthest !== undefined && furthest.source === range.source && range.first <= furthest.last) {
      findings.push(finding('overlap', range.entry, overlap(furthest, range)));
    }
    if (furthest?.source !== range.source || range.last > furthest.last) furthest = range;
  }
  return findings;
}

function overlap(one: Range, other: Range): string {
  const shared = `${other.source} from offset ${other.first} to ${Math.min(one.last, other.last)}`;
  return `has samples that shard ${one.entry.seq} (${one.entry.path}) has too: ${shared}`;
}

async function checkFile(dir: string, names: ReadonlySet<string>, entry: ManifestEntry): Promise<ShardFinding[]> {
  // Names only, so that a manifest cannot point out of its folder.
  if (!names.has(entry.path)) return [finding('missing', entry, 'is not in the folder')];
  const path = join(dir, entry.path);
  const { size } = await stat(path);
  if (size !== entry.bytes) return [finding('bytes', entry, `has ${size} bytes, expected ${entry.bytes}`)];
  const findings: ShardFinding[] = [];
  const sha256 = await hash(path);
  if (sha256 !== entry.sha256)
    findings.push(finding('sha256', entry, `has SHA-256 ${sha256}, expected ${entry.sha256}`));
  const rows = await tryCount(path, entry.format);
  if (rows !== entry.rows) findings.push(finding('rows', entry, `has ${rows}, expected ${entry.rows} rows`));
  return findings;
}

function checkStrays(names: ReadonlySet<string>, entries: readonly ManifestEntry[]): readonly ShardFinding[] {
  const named = new Set(entries.map((entry) => entry.path));
  return [...names]
    .filter((name) => (isShardName(name) || isPartialName(name)) && !named.has(name))
    .map((path) => ({ problem: 'stray', seq: null, path, message: 'is not in the manifest' }));
}

async function hash(path: string): Promise<string> {
  const sha256 = createHash('sha256');
  for await (const chunk of createReadStream(path)) sha256.update(chunk);
  return sha256.digest('hex');
}

async function tryCount(path: string, format: ManifestEntry['format']): Promise<number | string> {
  try {
    return await countRows(path, format);
  } catch (error) {
    return `no readable rows (${error instanceof Error ? error.message : String(error)})`;
  }
}

async function list(dir: string): Promise<ReadonlySet<string>> {
  try {
    return new Set(await readdir(dir));
  } catch (cause) {
    throw new HeadwaterError('input-unreadable', `cannot read the shard folder ${dir}`, { cause });
  }
}

function finding(problem: ShardProblem, { seq, path }: ManifestEntry, message: string): ShardFinding {
  return { problem, seq, path, message };
}

function sum(entries: readonly ManifestEntry[], property: 'rows' | 'bytes'): number {
  return entries.reduce((total, entry) => total + entry[property], 0);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
