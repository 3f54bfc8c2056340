import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';

/** A file of an input. */
export interface InputFile {
  readonly path: string;
  /** Relative to the base where it lies below it, with forward slashes: what records and messages name. */
  readonly name: string;
}

/**
 * The files that a path or glob names, in the order of their names. `*` and `?` stand for characters of a name, `**` for any
 * folders, `{a,b}` for either. Throws `input-unreadable` where there is no such file, or where it is a folder or empty.
 */
export async function inputFiles(pattern: string, base: string): Promise<readonly InputFile[]> {
  const literal = await statOrNull(resolve(base, pattern));
  const isGlob = literal === null && /[*?{]/.test(pattern);
  const paths = isGlob ? await expand(resolve(base, pattern)) : [resolve(base, pattern)];
  if (paths.length === 0) throw unreadable(`no file matches ${pattern} (looked in ${base})`);
  for (const path of paths) await check(path);
  return paths.map((path) => ({ path, name: nameOf(path, base) }));
}

async function check(path: string): Promise<void> {
  const stats = await statOrNull(path);
  if (stats === null) throw unreadable(`the file ${path} does not exist: check the name in the recipe or command`);
  if (stats.isDirectory()) {
    throw unreadable(`${path} is a folder: name files in it, such as ${join(basename(path), '*.jsonl')}`);
  }
  if (stats.isFile() && stats.size === 0) throw unreadable(`the file ${path} is empty: put records into it`);
}

/** `null` where there is no such file; throws where it cannot be looked at. */
async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EINVAL' || code === 'ENAMETOOLONG') return null;
    throw unreadable(`${path} cannot be read (${String(code)}): check its permissions`, cause);
  }
}

/** Matches one path segment after the other, so only folders that can match are listed. */
async function expand(pattern: string): Promise<string[]> {
  const [root = '', ...segments] = pattern.split(sep);
  const found = new Set<string>();
  await walk(root + sep, segments, found);
  return [...found].sort();
}

async function walk(folder: string, segments: readonly string[], found: Set<string>): Promise<void> {
  const [segment, ...rest] = segments;
  if (segment === undefined) return;
  if (!/[*?{]/.test(segment)) {
    const path = join(folder, segment);
    if (rest.length > 0) await walk(path, rest, found);
    else if ((await statOrNull(path))?.isFile()) found.add(path);
    return;
  }
  const matches = segment === '**' ? () => true : segmentPattern(segment);
  if (segment === '**') await walk(folder, rest, found);
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.name.startsWith('.') && !segment.startsWith('.')) continue;
    if (!matches(entry.name)) continue;
    const path = join(folder, entry.name);
    // Links to folders are not followed: they may form a circle.
    if (entry.isDirectory()) await walk(path, segment === '**' ? segments : rest, found);
    else if (rest.length === 0 && segment !== '**' && (await statOrNull(path))?.isFile()) found.add(path);
  }
}

function segmentPattern(segment: string): (name: string) => boolean {
  const source = segment
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
    .replace(/\{([^{}]*)\}/g, (_, choices: string) => `(?:${choices.split(',').join('|')})`)
    .replace(/[{}](?![^(]*\))/g, '\\$&');
  const pattern = new RegExp(`^${source}$`, 'su');
  return (name) => pattern.test(name);
}

function nameOf(path: string, base: string): string {
  const below = relative(base, path);
  return (below.startsWith('..') ? path : below).split(sep).join('/');
}

function unreadable(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('input-unreadable', message, { cause });
}
