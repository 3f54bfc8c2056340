import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { catalogue, type Licence, type ModelEntry } from './catalogue.js';
import { checkKept, modelFolder, partialPath } from './model-cache.js';

export interface ModelFileStatus {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
  /** `partial`: a download that the next pull goes on with. */
  readonly state: 'present' | 'partial' | 'missing' | 'damaged';
  /** Bytes that are here. */
  readonly received: number;
}

export interface ModelStatus {
  readonly name: string;
  readonly kind: ModelEntry['kind'];
  readonly role: ModelEntry['role'];
  readonly about: string;
  readonly licence: Licence;
  readonly present: boolean;
  /** Of all files, when complete. */
  readonly bytes: number;
  readonly files: readonly ModelFileStatus[];
}

/** Every model of the catalogue with its licence and what of it lies in the cache. */
export async function modelStatus(
  options: { readonly cacheDir?: string; readonly entries?: readonly ModelEntry[] } = {},
): Promise<readonly ModelStatus[]> {
  const folder = resolve(options.cacheDir ?? modelFolder());
  return Promise.all((options.entries ?? catalogue).map((entry) => statusOf(entry, folder)));
}

async function statusOf(entry: ModelEntry, folder: string): Promise<ModelStatus> {
  const files = await Promise.all(
    entry.files.map(async (file): Promise<ModelFileStatus> => {
      const path = join(folder, file.name);
      const { state } = await checkKept(path, file);
      const received = await sizeOf(state === 'missing' ? partialPath(path, file) : path);
      return {
        name: file.name,
        path,
        bytes: file.bytes,
        state: state === 'missing' && received > 0 ? 'partial' : state,
        received,
      };
    }),
  );
  const { name, kind, role, about, licence } = entry;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { name, kind, role, about, licence, present: files.every(({ state }) => state === 'present'), bytes, files };
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
