import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { HeadwaterError } from '../schemas/errors.js';
import { FolderLock } from './folder-lock.js';
import { recipeDifferences } from './recipe-differences.js';

/** Of what this version writes; a folder with a higher one is refused. */
const folderFormat = 3;

/** A folder that holds the run of one pipeline, taken by this process. */
export interface DataFolder {
  readonly dir: string;
  /** Where the embedded log lies. */
  readonly topicsDir: string;
  /** Whether no recipe was kept in it before. */
  readonly isNew: boolean;
  /** Remembers the recipe: from now on the folder belongs to it. */
  keep(): Promise<void>;
  /** Lets other processes take the folder. */
  close(): Promise<void>;
}

/** What commands that only read find in a data folder. */
export interface KeptPipeline {
  readonly dir: string;
  readonly topicsDir: string;
  readonly recipe: Readonly<Record<string, unknown>>;
}

export interface DataFolderOptions {
  readonly dir: string;
  /** What is remembered; compared as JSON. */
  readonly recipe: Readonly<Record<string, unknown>>;
}

/**
 * Takes a data folder for a run, made if it is missing. Rejects with `data-in-use` while another process has it, `data-foreign`
 * where another recipe wrote it, `store-newer`, `store-unwritable`. A folder whose process died is taken over. A new folder
 * belongs to no recipe before `keep`, so that a recipe that fails at the start can be mended.
 */
export async function openDataFolder({ dir, recipe }: DataFolderOptions): Promise<DataFolder> {
  const path = resolve(dir);
  await makeWritable(path);
  const lock = await FolderLock.take(path);
  try {
    const kept = await readPipeline(path);
    if (kept !== undefined) checkSameRecipe(path, kept, plain(recipe));
    const keep = async () => {
      if (JSON.stringify(kept) !== JSON.stringify(recipe)) await writePipeline(path, recipe);
    };
    return { ...places(path), isNew: kept === undefined, keep, close: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The pipeline of a folder, also while a run has it. Rejects with `data-missing` where there is none, or `store-newer`. */
export async function readDataFolder(dir: string): Promise<KeptPipeline> {
  const path = resolve(dir);
  const recipe = await readPipeline(path);
  if (recipe === undefined) {
    throw new HeadwaterError(
      'data-missing',
      `${path} holds no pipeline: start one with 'headwater run', or name another folder`,
    );
  }
  return { ...places(path), recipe };
}

function places(dir: string): { readonly dir: string; readonly topicsDir: string } {
  return { dir, topicsDir: join(dir, 'topics') };
}

async function makeWritable(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
    await access(dir, constants.W_OK);
  } catch (cause) {
    throw unwritable(dir, cause);
  }
}

type Json = Readonly<Record<string, unknown>>;

async function readPipeline(dir: string): Promise<Json | undefined> {
  const file = join(dir, 'pipeline.json');
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
    throw unwritable(file, cause);
  }
  const kept = parse(content);
  const format = kept?.['format'];
  if (typeof format === 'number' && format > folderFormat) {
    const text = `${dir} has format ${format}, this version reads up to ${folderFormat}: use the newer Headwater`;
    throw new HeadwaterError('store-newer', text);
  }
  const recipe = kept?.['recipe'];
  if (format === folderFormat && isObject(recipe)) return recipe;
  if (typeof format === 'number') {
    const text = `${dir} was written by an earlier version, which this one cannot continue: choose another folder`;
    throw new HeadwaterError('data-foreign', text);
  }
  throw new HeadwaterError('data-foreign', `${file} was not written by Headwater: choose another folder`);
}

/** Replaces the file as a whole, so that a crash leaves the old one or the new one. */
async function writePipeline(dir: string, recipe: Json): Promise<void> {
  const file = join(dir, 'pipeline.json');
  const draft = join(dir, `pipeline-${randomUUID()}.json`);
  try {
    const handle = await open(draft, 'w');
    try {
      await handle.writeFile(`${JSON.stringify({ format: folderFormat, recipe }, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

function checkSameRecipe(dir: string, kept: Json, wanted: Json): void {
  const lines = recipeDifferences(kept, wanted);
  if (lines === undefined) return;
  const text = `${dir} was written by another recipe: go on with that one, or choose another folder with --data\n${lines}`;
  throw new HeadwaterError('data-foreign', text);
}

/** The recipe as it will be read back. */
function plain(recipe: Json): Json {
  return parse(JSON.stringify(recipe)) ?? {};
}

function parse(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, 'code') : undefined;
}

function unwritable(path: string, cause: unknown): HeadwaterError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HeadwaterError(
    'store-unwritable',
    `${path} cannot be used (${reason}): check the path and its permissions`,
    { cause },
  );
}
