import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Entry } from './entry.js';

/**
 * What an input module's default export returns: objects with the domain's fields; `{skipped: reason}`, with no other key,
 * says that something was left out, and is counted by reason.
 */
export type ModuleObjects = Iterable<unknown> | AsyncIterable<unknown>;

/**
 * The objects of a module: a path beside `base`, or a package's name. Its default export is called without arguments. Throws
 * `input-unreadable` where the module, its default export or a package that it needs is missing, or where it throws.
 */
export async function* moduleObjects(specifier: string, base: string): AsyncGenerator<Entry> {
  const open: unknown = await defaultExport(specifier, base);
  if (typeof open !== 'function') {
    throw unreadable(specifier, 'its default export is not a function that returns objects');
  }
  let line = 0;
  try {
    const objects: unknown = await open();
    if (!isIterable(objects)) throw unreadable(specifier, 'its function did not return an iterable of objects');
    for await (const value of objects) {
      line += 1;
      const reason = skippedReason(value);
      yield reason === null ? { kind: 'value', line, value } : { kind: 'skipped', reason };
    }
  } catch (cause) {
    throw failure(specifier, cause);
  }
}

async function defaultExport(specifier: string, base: string): Promise<unknown> {
  const url = pathToFileURL(resolved(specifier, base)).href;
  try {
    const module: unknown = await import(url);
    return typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  } catch (cause) {
    throw failure(specifier, cause);
  }
}

/** A package is looked for from the recipe, then from Headwater itself, so that its own modules are found everywhere. */
function resolved(specifier: string, base: string): string {
  let failed: unknown;
  for (const from of [join(base, 'recipe.js'), import.meta.url]) {
    try {
      return createRequire(from).resolve(specifier);
    } catch (cause) {
      failed ??= cause;
    }
  }
  throw unreadable(specifier, `there is no such file or package (looked in ${base})`, failed);
}

function failure(specifier: string, cause: unknown): HeadwaterError {
  if (cause instanceof HeadwaterError) return cause;
  const missing = missingPackage(cause);
  if (missing !== null) return unreadable(specifier, `it needs the package ${missing}: npm install ${missing}`, cause);
  return unreadable(specifier, `it failed: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
}

function missingPackage(cause: unknown): string | null {
  if (!(cause instanceof Error) || !('code' in cause)) return null;
  if (cause.code !== 'ERR_MODULE_NOT_FOUND' && cause.code !== 'MODULE_NOT_FOUND') return null;
  const name = /Cannot find (?:package|module) '((?:@[^/'\s]+\/)?[^./'\s@][^/'\s]*)/.exec(cause.message)?.[1];
  return name ?? null;
}

function skippedReason(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('skipped' in value)) return null;
  return typeof value.skipped === 'string' && Object.keys(value).length === 1 ? value.skipped : null;
}

function isIterable(value: unknown): value is ModuleObjects {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

function unreadable(specifier: string, what: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('input-unreadable', `the input module ${specifier} cannot be read: ${what}`, { cause });
}
