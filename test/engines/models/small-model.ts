import { createHash } from 'node:crypto';

import type { ModelEntry, ModelFile, PackagePlace } from '../../../engines/models/catalogue.js';

/** 300 kB that differ everywhere. */
export const content = Buffer.concat(
  Array.from({ length: 9_375 }, (_, i) => createHash('sha256').update(String(i)).digest()),
);

export const file: ModelFile = {
  name: 'small.gguf',
  bytes: content.byteLength,
  sha256: createHash('sha256').update(content).digest('hex'),
};

/** A model of one file in a hub repository, and in packages where they are given. */
export function smallModel(packages?: PackagePlace): ModelEntry {
  return {
    name: 'small',
    kind: 'language-model',
    role: 'base',
    about: 'bytes',
    licence: { name: 'none', url: 'https://example.org', appliesTo: 'nothing' },
    files: [file],
    places: [
      { kind: 'hub', repository: 'someone/small', revision: 'main', paths: { [file.name]: 'small.gguf' } },
      ...(packages === undefined ? [] : [packages]),
    ],
  };
}
