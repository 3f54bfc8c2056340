import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Secret } from '../../schemas/secret.js';

/** Where secrets and other settings outside the recipe are found. */
export interface SettingPlaces {
  /** The folder that files of the recipe are relative to. */
  readonly base: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Longer than any password or token; a file that is longer is another file. */
const maxCharacters = 64 * 1024;

/**
 * The secret that a recipe names at `path`, without one newline at its end. Throws `environment-missing` or `recipe-invalid`
 * with path and place, never with the secret.
 */
export async function secretValue(secret: Secret, path: string, places: SettingPlaces): Promise<string> {
  const { base, environment } = places;
  if (typeof secret !== 'string') return fileSecret(resolve(base, secret.file), path);
  const name = secret.slice(1);
  const value = environment[name];
  if (value === undefined || value === '') {
    const text = `the environment variable ${name} is not set: export ${name}=... before you start`;
    throw new HeadwaterError('environment-missing', `${path}: ${text}`);
  }
  return sound(value, `${path}: the environment variable ${name}`);
}

/** The text of a file that a recipe names at `path`. Throws `recipe-invalid`. */
export async function settingFile(file: string, path: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new HeadwaterError('recipe-invalid', `${path}: ${file} ${unreadable(cause)}`, { cause });
  }
}

async function fileSecret(file: string, path: string): Promise<string> {
  return sound(await settingFile(file, path), `${path}: ${file}`);
}

/** Editors end a file with a newline that is no part of the secret. */
function sound(text: string, place: string): string {
  const value = text.replace(/\r?\n$/, '');
  const fault = faultOf(value);
  if (fault !== null) throw new HeadwaterError('recipe-invalid', `${place} ${fault}`);
  return value;
}

function faultOf(value: string): string | null {
  if (value.trim() === '') return 'is empty: put the secret there';
  if (value.length > maxCharacters) return 'is longer than 64 KiB: it is not a password or token';
  if (value.includes('\ufffd')) return 'is not UTF-8 text';
  // A NUL separates user and password on the wire.
  return /[\0\r\n]/.test(value) ? 'has more than one line: a secret is one line' : null;
}

function unreadable(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist: check the path, which is relative to the recipe';
  if (code === 'EISDIR') return 'is a folder: name the file in it';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user: change its permissions';
  return `cannot be read (${String(code)})`;
}
